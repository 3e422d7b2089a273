"""What a finished run leaves behind: scores on untouched rows, a verdict, samples, all in `run.json`."""

import resource
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from capotasto import __version__
from capotasto.artifact import load_adapter, save_adapter
from capotasto.data.split import distinct
from capotasto.decode import GenerateSettings
from capotasto.errors import SettingError
from capotasto.evaluate.bare import ask_bare
from capotasto.evaluate.judge import Judgement, ask, judge
from capotasto.evaluate.questions import choose, write
from capotasto.evaluate.verdict import diagnosis, verdict
from capotasto.experiment.folder import LOG, RUN
from capotasto.experiment.plan import START, Plan, identify, read_splits
from capotasto.experiment.settings import TuneSettings
from capotasto.methods.adapter import Adapter
from capotasto.methods.initial import usual_length
from capotasto.records import read_json, read_lines, write_json
from capotasto.session import Base
from capotasto.types import Example, Measure

SAMPLES = 8  # held-out rows answered for the before/after table
SAMPLE_TOKENS = 48


@dataclass(frozen=True)
class Run:
    """A finished run.

    scores:  {"base": {metric: Measure}, "tuned": {…}} on the untouched test rows
    helped:  True if the adapter measurably helps; `verdict` says it in a sentence
    record:  all of `run.json`
    """

    folder: Path
    adapter: Adapter
    scores: dict[str, dict[str, Measure]]
    helped: bool
    verdict: str
    record: dict[str, Any] = field(repr=False)


def conclude(base: Base, plan: Plan, best_step: int) -> Run:
    """Save the adapter, judge it beside the bare base and write `run.json`."""
    adapter = plan.job.adapter
    memory = peak_memory_mb()
    facts = {"data": {"path": plan.dataset.path, "hash": plan.dataset.hash}, "settings": plan.settings.model_dump()}
    save_adapter(adapter, plan.folder, base, {"capotasto": __version__, **facts})
    without = judge(ask_bare(base, plan.renderer, plan.splits.test, plan.dataset.labels, plan.splits.train))
    tuned = judge(ask(base, plan.renderer, plan.splits.test, plan.dataset.labels, adapter), without.answers)
    helped, sentence = verdict(without, tuned)
    record = {
        "capotasto": __version__,
        "name": plan.name,
        "method": adapter.method,
        "base": _base(base),
        "data": _data(plan),
        "rows": {side: len(getattr(plan.splits, side)) for side in ("train", "val", "test")},
        "settings": plan.settings.model_dump(),
        "learning_rate": plan.job.lr,
        "learning_rate_rule": plan.rule,
        "init": adapter.start,
        "scores": {"base": _scores(without), "tuned": _scores(tuned)},
        "difference": {name: gap.as_dict() for name, gap in (tuned.difference or {}).items()},
        "train_seconds": round(plan.job.seconds, 2),
        "tokens_per_second": round(plan.job.tokens / plan.job.seconds, 1) if plan.job.seconds else 0.0,
        "peak_memory_mb": memory,
        "trainable_parameters": adapter.size(),
        "steps": plan.job.step,
        "best_step": best_step,
        "stopped": plan.job.stopped,
        "helped": helped,
        "verdict": sentence,
        "diagnosis": _diagnosis(base, plan, adapter, without, tuned),
        "samples": samples(base, plan, adapter, without.answers.written),
        "lengths": _lengths(plan),
        "labels": plan.dataset.labels,
        "confusion": _confusion(tuned),
    }
    write_json(plan.folder / RUN, record)
    return _run(plan.folder, adapter, record)


def finished(folder: Path, base: Base, source: str, settings: TuneSettings) -> Run | None:
    """A run that was concluded before, or None. Errors: it was another run."""
    if not (folder / RUN).exists():
        return None
    if read_json(folder / START)["identity"] != identify(base, *read_splits(source, settings), settings):
        raise SettingError(
            f"--out {folder} holds a finished run with another base, data or settings;"
            " replace it with --force, or name another folder"
        )
    return _run(folder, load_adapter(folder, base), read_json(folder / RUN))


def _run(folder: Path, adapter: Adapter, record: dict[str, Any]) -> Run:
    scores = {who: {name: Measure(**m) for name, m in found.items()} for who, found in record["scores"].items()}
    return Run(folder, adapter, scores, record["helped"], record["verdict"], record)


def _scores(judgement: Judgement) -> dict[str, dict[str, float]]:
    return {name: measure.as_dict() for name, measure in judgement.scores.items()}


def _base(base: Base) -> dict[str, str]:
    return {
        "name": base.name,
        "source": base.source,
        "fingerprint": base.fingerprint,
        "dtype": str(base.dtype).removeprefix("torch."),
        "device": str(base.device),
    }


def _data(plan: Plan) -> dict[str, Any]:
    bad = [{"place": row.place, "reason": row.reason} for row in plan.dataset.bad]
    return {
        "path": plan.dataset.path,
        "hash": plan.dataset.hash,
        "shape": plan.dataset.shape,
        "columns": plan.dataset.columns,
        "mapping": plan.dataset.mapping,
        "bad_rows": bad,
        "duplicates": len(plan.dataset.examples) - len(distinct(plan.dataset.examples)),
        "truncated": sum(row.cut > 0 for row in (*plan.job.rows, *plan.job.held_out)),
    }


def _diagnosis(base: Base, plan: Plan, adapter: Adapter, without: Judgement, tuned: Judgement) -> list[str]:
    with torch.no_grad():
        vectors = adapter.embeds()
        norms = None if vectors is None else vectors.float().norm(dim=1).cpu().numpy()
    steps = [line for line in read_lines(plan.folder / LOG) if line["kind"] == "step"]
    gradients = [line["gradient_norm"] for line in steps]
    return diagnosis(without, tuned, norms, usual_length(base), gradients, plan.dataset.labels)


def samples(base: Base, plan: Plan, adapter: Adapter, bare: list[str] | None) -> list[dict[str, str]]:
    """Held-out rows answered by base and adapter in one mixed batch; for an encoder, which cannot, `bare` answers."""
    rows = plan.splits.test[:SAMPLES]
    asked = [_asked(plan, row) for row in rows]
    settings = GenerateSettings(
        max_new_tokens=min(SAMPLE_TOKENS, plan.renderer.max_length // 2), repetition_penalty=1.1
    )
    prompts = [plan.renderer.prompt(turns, settings.max_new_tokens) for turns in asked]
    if base.is_encoder:
        texts = [*(bare or [])[: len(rows)], *_named(base, plan, adapter, rows)]
    elif adapter.classes():
        texts = [*write(base, plan.renderer, prompts, [None] * len(rows), settings), *_named(base, plan, adapter, rows)]
    else:
        both = [*[None] * len(rows), *[adapter] * len(rows)]
        texts = write(base, plan.renderer, [*prompts, *prompts], both, settings)
    return [
        {"prompt": turns[-1].content, "wanted": _wanted(row, turns), "base": before.strip(), "tuned": after.strip()}
        for row, turns, before, after in zip(rows, asked, texts[: len(rows)], texts[len(rows) :], strict=True)
    ]


def _named(base: Base, plan: Plan, adapter: Adapter, rows: Sequence[Example]) -> list[str]:
    """What a head answers: the name of a label."""
    labels = plan.dataset.labels
    return [labels[i] for i in choose(base, plan.renderer, rows, labels, adapter).argmax(1)]


def _asked(plan: Plan, row: Example) -> tuple:
    """What is put to the model: the prompt, or the first third of a plain text."""
    if not row.plain:
        return row.turns[:-1]
    words = row.completion.split(" ")
    text = " ".join(words[: max(1, len(words) // 3)])
    return (type(row.turns[0])("text", text),)


def _wanted(row: Example, asked: tuple) -> str:
    return row.completion.removeprefix(asked[-1].content).strip() if row.plain else row.completion


def _lengths(plan: Plan) -> dict[str, list[int]]:
    learnt = [sum(row.learn) for row in plan.job.rows]
    prompt = [len(row.ids) - count for row, count in zip(plan.job.rows, learnt, strict=True)]
    return {"prompt": prompt, "completion": learnt} if any(learnt) else {"prompt": prompt}


def _confusion(tuned: Judgement) -> list[list[int]] | None:
    """[C][C] rows: true label → chosen label."""
    chosen, truth, classes = tuned.answers.chosen, tuned.answers.truth, tuned.answers.classes
    if chosen is None or truth is None:
        return None
    pairs = Counter(zip(truth.tolist(), chosen.tolist(), strict=True))
    return [[pairs[true, guess] for guess in range(classes)] for true in range(classes)]


def peak_memory_mb() -> int:
    """The most memory this process has held so far: on the GPU where one is used, else in RAM."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return round(torch.cuda.max_memory_allocated() / 2**20)
    try:
        status = Path("/proc/self/status").read_text()
        return round(int(status.split("VmHWM:")[1].split()[0]) / 1024)
    except (OSError, IndexError):
        scale = 2**20 if sys.platform == "darwin" else 2**10
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale)
