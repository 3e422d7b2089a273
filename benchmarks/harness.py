"""Run arms alternately in fresh processes; medians, quartiles, and ratios to a named peer, whoever wins.

Nothing heavy is imported here: the parent's memory and threads must not weigh on what is measured.
"""

import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("capotasto", "torch", "transformers", "peft")
Line = dict[str, Any]


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: what to run after the name of the Python interpreter."""

    name: str
    command: tuple[str, ...]


def compare(name: str, arms: Sequence[Arm], peer: str, rounds: int = 5, results: Path = RESULTS) -> Path | None:
    """Measure the arms in turn, `rounds` times with a seed each, and write `<name>-<device>.md` and `.json`.

    Returns the markdown file, or None where an arm says that it cannot be measured here.
    """
    runs: dict[str, list[Line]] = {arm.name: [] for arm in arms}
    for number in range(1, rounds + 1):
        for arm in arms:
            line = run(arm, seed=number - 1)
            if "skipped" in line:
                print(f"{name}: skipped, {line['skipped']}", flush=True)
                return None
            runs[arm.name].append(line)
            print(f"{name}, round {number} of {rounds}, {arm.name}: {json.dumps(line)}", flush=True)
    return _write(name, arms, peer, runs, results)


def run(arm: Arm, seed: int) -> Line:
    """The measurements that one fresh process of an arm prints as its last line."""
    command = [sys.executable, *arm.command, "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{arm.name} failed, nothing is written: {' '.join(arm.command)}\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def _environment() -> dict[str, str]:
    threads = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    return {**os.environ, "OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def summarise(runs: dict[str, list[Line]], peer: str) -> list[Line]:
    """One row a measure and arm: its spread, and the spread of its ratios to the peer's run of the same round."""
    firsts = [lines[0] for lines in runs.values()]
    measures = dict.fromkeys(key for line in firsts for key, value in line.items() if _is_measure(key, value))
    rows = []
    for measure in measures:
        for arm, lines in runs.items():
            if not all(_is_measure(measure, line.get(measure)) for line in lines):
                continue
            values = [line[measure] for line in lines]
            rivals = [line.get(measure) for line in runs[peer]]
            ratios = spread([mine / other for mine, other in zip(values, rivals, strict=True)]) if all(rivals) else None
            rows.append({"measure": measure, "arm": arm, "spread": spread(values), "ratio": ratios})
    return rows


def _is_measure(key: str, value: Any) -> bool:
    return isinstance(value, int | float) and key != "threads"


def table(rows: list[Line], peer: str) -> str:
    """The rows as a markdown table."""
    head = f"| measure | arm | median | quartiles | times {peer} | quartiles |\n|---|---|--:|--:|--:|--:|\n"
    return head + "".join(
        f"| {row['measure']} | {row['arm']} | {_cells(row['spread'])} | {_cells(row['ratio'])} |\n" for row in rows
    )


def _cells(values: tuple[float, float, float] | None) -> str:
    if values is None:
        return "– | –"
    low, middle, high = (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" for value in values)
    return f"{middle} | {low} – {high}"


def _write(name: str, arms: Sequence[Arm], peer: str, runs: dict[str, list[Line]], results: Path) -> Path:
    devices = {line["device"] for lines in runs.values() for line in lines}
    if len(devices) > 1:
        raise SystemExit(f"{name}: the arms ran on different devices, {sorted(devices)}; name one with --device")
    device = devices.pop()
    rows = summarise(runs, peer)
    about = machine() | {"device": device, "rounds": len(runs[peer])}
    content = {
        "name": name,
        "peer": peer,
        **about,
        "commands": {arm.name: arm.command for arm in arms},
        "summary": rows,
        "runs": runs,
    }
    path = results / f"{name}-{re.sub('[^a-z0-9]+', '-', device.lower())}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    facts = "".join(f"- {key}: {value}\n" for key, value in about.items())
    path.write_text(f"# {name}\n\n{table(rows, peer)}\n{facts}", encoding="utf-8")
    return path


def machine() -> dict[str, str]:
    """Date, processor, threads and versions."""
    versions = [f"python {platform.python_version()}", *(f"{name} {_version(name)}" for name in PACKAGES)]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "threads": _environment()["OMP_NUM_THREADS"],
        "versions": ", ".join(versions),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
