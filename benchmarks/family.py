"""`python -m benchmarks.family`: every method on every task for equal seconds, in one table.

The seconds are those of an idle machine: the pace of each method on each task is measured first (`--paces`, with
nothing else running), and a cell then trains on as many tokens as that pace gives. So the table may be filled on a busy
machine, and goes on where it was stopped: a cell that is there is not run again.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from benchmarks.__main__ import bundled_base
from benchmarks.harness import RESULTS, Arm, Line, machine, run

CELL = "benchmarks.ours.family"
TASKS = ("sms_spam", "task875", "banking77", "e2e_nlg")
METHODS = ("base", "prompt", "residual", "prefix", "lora", "bottleneck", "head", "full")
QUALITY = ("accuracy", "bleu", "rouge_l")
PACES = RESULTS / "family-paces-cpu.json"


def cells(seeds: int) -> list[tuple[int, str, str]]:
    """(seed, task, method) in the order in which they are run; what writes has no head, and the base has one seed."""
    return [
        (seed, task, method)
        for seed in range(seeds)
        for task in TASKS
        for method in METHODS
        if not (method == "head" and task == "e2e_nlg") and not (method == "base" and seed)
    ]


def measure_paces(common: tuple[str, ...]) -> None:
    """Tokens a second of each method on each task, to be measured on an idle machine."""
    known: dict[str, Any] = json.loads(PACES.read_text()) if PACES.exists() else {}
    for _, task, method in cells(1):
        name = f"{task} {method}"
        if method != "base" and name not in known:
            known[name] = run(_arm(task, method, ("--pace", *common)), 0)["tokens_per_second"]
            print(f"{name}: {known[name]:.0f} tokens/s", flush=True)
            PACES.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def fill(path: Path, seconds: float, seeds: int, common: tuple[str, ...]) -> list[Line]:
    """Run the cells that are not there yet; returns all."""
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    paces = json.loads(PACES.read_text())
    done = {(line["seed"], line["task"], line["method"]) for line in lines}
    for seed, task, method in cells(seeds):
        if (seed, task, method) in done:
            continue
        pace = paces.get(f"{task} {method}", 0.0)
        line = run(_arm(task, method, ("--budget-tokens", str(pace * seconds), *common)), seed)
        if "skipped" in line:
            raise SystemExit(line["skipped"])
        line = {"task": task, "method": method, "seed": seed, "pace": pace, **line}
        lines.append(line)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
    return lines


def _arm(task: str, method: str, more: tuple[str, ...]) -> Arm:
    return Arm(f"{method} on {task}", ("-m", CELL, "--data", task, "--method", method, *more))


def table(lines: list[Line]) -> str:
    """One row a task and method: the mean of the seeds, the interval of each, cost."""
    head = "| task | method | measure | mean | 95 % interval of each seed | idle seconds | peak MiB | adapter |\n"
    rows = [head, "|---|---|---|--:|---|--:|--:|--:|\n"]
    for task in TASKS:
        for method in METHODS:
            same = [line for line in lines if (line["task"], line["method"]) == (task, method)]
            rows += [_row(task, method, measure, same) for measure in QUALITY if same and measure in same[0]]
    return "".join(rows)


def _row(task: str, method: str, measure: str, lines: list[Line]) -> str:
    scores = [line[measure] for line in lines]
    mean = sum(score[0] for score in scores) / len(scores)
    spans = ", ".join(f"{low:.1%}–{high:.1%}" for _, low, high in scores)
    # A head's pace is that of its one pass through the base; its later epochs read kept states.
    passes = [
        line["tokens"] / (line["epochs"] if method == "head" else 1) / line["pace"]
        for line in lines
        if "tokens" in line
    ]
    seconds = f"{max(passes):.0f}" if passes else ""
    size = (
        {"base": "", "full": "a model"}.get(method) or f"{lines[0]['adapter_bytes'] / 1000:,.0f} kB" if passes else ""
    )
    peak = max(line["peak_mib"] for line in lines)
    return f"| {task} | {method} | {measure} | {mean:.1%} | {spans} | {seconds} | {peak:,.0f} | {size} |\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.family", description=__doc__)
    parser.add_argument("--base", help="folder of the base model; default: the small one")
    parser.add_argument("--seconds", type=float, default=300, help="of training, on an idle machine")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--paces", action="store_true", help="measure the paces that are not there yet, and end")
    options = parser.parse_args()

    common = ("--base", options.base or bundled_base())
    if options.paces:
        measure_paces(common)
        return
    path = RESULTS / f"family-{options.seconds:.0f}s-cpu.jsonl"
    lines = fill(path, options.seconds, options.seeds, common)
    facts = "".join(f"- {key}: {value}\n" for key, value in machine().items())
    page = path.with_suffix(".md")
    page.write_text(f"# The family, {options.seconds:.0f} seconds each\n\n{table(lines)}\n{facts}", encoding="utf-8")
    print(re.sub(r"\n+$", "\n", page.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
