"""What every measured process shares: device, number format, clock, memory, and the one line it prints."""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

ROOT = Path(__file__).resolve().parents[1]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The flags that every measured script has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--base", type=Path, required=True, help="folder of the frozen base")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 …")
    parser.add_argument("--dtype", choices=["auto", *DTYPES], default="auto", help="auto: bf16 where it is fast")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def device_of(name: str) -> torch.device:
    """The named device; `auto` is the GPU where there is one."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """The named number format; `auto` is bf16 where the processor multiplies it in hardware, else fp32."""
    return DTYPES[("bf16" if _bf16_in_hardware(device) else "fp32") if name == "auto" else name]


def _bf16_in_hardware(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text().split()) if info.exists() else set()
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def load(options: argparse.Namespace) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, torch.device]:
    """The base with its tokenizer on the chosen device, in the chosen format; seeds torch."""
    torch.manual_seed(options.seed)
    device = device_of(options.device)
    model: Any = AutoModelForCausalLM.from_pretrained(options.base, dtype=dtype_of(options.dtype, device))
    return model.to(device), AutoTokenizer.from_pretrained(options.base), device


class Clock:
    """Seconds of work on a device; stands still inside `paused()`. Starts when made."""

    def __init__(self, device: torch.device):
        self._device = device
        self._idle = 0.0
        self._start = self._now()

    @property
    def seconds(self) -> float:
        """Seconds so far, after the device has finished what it was given."""
        return self._now() - self._start - self._idle

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Run a block that is not part of what is measured."""
        began = self._now()
        yield
        self._idle += self._now() - began

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def timed(work: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """The result of `work` and the seconds it took."""
    clock = Clock(device)
    return work(), clock.seconds


def peaks(device: torch.device) -> dict[str, float]:
    """The most memory this process ever held, in MiB, base and libraries included; on a GPU also the GPU's.

    To be read when the measured work ends, before anything else is evaluated.
    """
    held = {"peak_mib": _peak_mib()}
    if device.type == "cuda":
        held["gpu_peak_mib"] = torch.cuda.max_memory_allocated(device) / 2**20
    return held


def _peak_mib() -> float:
    # Linux's VmHWM comes first, because ru_maxrss of a fresh process starts at its parent's peak there.
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def training(seconds: float, steps: int, tokens: int) -> dict[str, float]:
    """What every training reports of itself."""
    return {"seconds": seconds, "steps": steps, "tokens": tokens, "tokens_per_second": tokens / seconds}


def report(device: torch.device, dtype: torch.dtype, **measured: Any) -> None:
    """Print the one JSON line of measurements that the harness reads."""
    line = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "dtype": next(name for name, value in DTYPES.items() if value is dtype),
        "threads": torch.get_num_threads(),
        **measured,
    }
    print(json.dumps(line))


def data_file(relative: str) -> Path:
    """A file under the folder `CAPO_DATA` (default: ../shared/data beside the repository); absent: say so and end."""
    folder = Path(os.environ.get("CAPO_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / relative).exists():
        skip(f"no {relative} in {folder}; set CAPO_DATA to the folder that holds it")
    return folder / relative


def skip(reason: str) -> NoReturn:
    """End this process as one that could not be measured here; not a failure."""
    print(json.dumps({"skipped": reason}))
    raise SystemExit(0)
