"""What this machine is and can do, for `capo doctor` and for records of runs."""

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from capotasto.base.load import choose_device
from capotasto.base.precision import NAMES, choose, native_bf16
from capotasto.wheels import home

_PACKAGES = (
    "capotasto",
    "torch",
    "transformers",
    "safetensors",
    "huggingface_hub",
    "gguf",
    "peft",
    "numpy",
    "pydantic",
)


def facts() -> dict[str, Any]:
    """Versions, processor, memory, devices, precision and cache. Sizes in bytes; nothing leaves the machine."""
    device = choose_device("auto")
    chosen = choose("auto", device)
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "system": platform.platform(),
        "processor": _processor(),
        "cores": _cores(),
        "threads": torch.get_num_threads(),
        "memory": _memory(),
        "devices": [_device(index) for index in range(torch.cuda.device_count())],
        "device": str(device),
        "native_bf16": native_bf16(device),
        "dtype": next(name for name, dtype in NAMES.items() if dtype is chosen),
        **_cache(),
    }


def _versions() -> dict[str, str]:
    """Installed packages only."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """The processor's name; Linux keeps it where `platform` does not look."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _cores() -> int:
    """Cores this process may use, which in a container is fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int | None:
    """Physical memory in bytes; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _device(index: int) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(index)
    capability = f"{properties.major}.{properties.minor}"
    return {"name": properties.name, "memory": properties.total_memory, "capability": capability}


def _cache() -> dict[str, Any]:
    folder = home()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return {"cache": str(folder), "cache_size": size, "free_disk": shutil.disk_usage(existing).free}
