"""What a finished run leaves behind: scores on untouched rows, a verdict, samples, all in `run.json`."""

import resource
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch

from capotasto.artifact import load_adapter, save_adapter
from capotasto.data.split import distinct
from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import SettingError
from capotasto.evaluate.heads import answer, in_words
from capotasto.evaluate.judge import Judgement
from capotasto.evaluate.questions import write
from capotasto.evaluate.verdict import diagnosis
from capotasto.experiment.beginning import START
from capotasto.experiment.folder import LOG, RUN
from capotasto.experiment.judging import Pair, harmed, judge_tasks, judged_names, together
from capotasto.experiment.plan import Plan, identify
from capotasto.experiment.reading import read_tasks
from capotasto.experiment.replay import judge_replay
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.tasks import Task
from capotasto.methods.adapter import Adapter
from capotasto.methods.initial import usual_length
from capotasto.objectives.heads import encode
from capotasto.records import read_json, read_lines, write_json
from capotasto.session import Base
from capotasto.types import Example, Measure, Turn
from capotasto.version import __version__

SAMPLES = 8  # held-out rows answered for the before/after table
SAMPLE_TOKENS = 48
SAMPLE_PARTS = 3  # of a plain text, the first of which is given


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
    save_adapter(adapter, plan.folder, base, plan.origin)
    pairs = judge_tasks(base, plan.renderer, plan.tasks, adapter, plan.objective)
    judged = together(list(pairs.values()))
    several = len(pairs) > 1
    record = {
        "capotasto": __version__,
        "name": plan.name,
        "method": adapter.method,
        "objective": plan.objective,
        "base": describe(base),
        "data": _data(plan, plan.tasks[0]),
        "rows": plan.splits.sizes,
        "settings": plan.settings.model_dump(),
        "learning_rate": plan.job.lr,
        "learning_rate_rule": plan.rule,
        "init": adapter.start,
        **judged.record(),
        "tasks": {task.name: _task(plan, task, pairs[task.name]) for task in plan.tasks if several},
        "replay": judge_replay(base, plan.general, adapter) if plan.general else None,
        "train_seconds": round(plan.job.seconds, 2),
        "tokens_per_second": round(plan.job.tokens / plan.job.seconds, 1) if plan.job.seconds else 0.0,
        "peak_memory_mb": memory,
        "trainable_parameters": adapter.size(),
        "steps": plan.job.step,
        "best_step": best_step,
        "stopped": plan.job.stopped,
        "diagnosis": _diagnosis(base, plan, adapter, judged) + harmed(pairs),
        "samples": samples(base, plan, adapter, pairs),
        "lengths": _lengths(plan),
        "labels": [] if several or plan.objective == "regress" else judged_names(plan.tasks[0], plan.objective),
        "confusion": None if several else _confusion(judged.tuned),
        "predictions": None if several else _predictions(plan, judged.tuned),
    }
    write_json(plan.folder / RUN, record)
    return _run(plan.folder, adapter, record)


def finished(folder: Path, base: Base, source: str, settings: TuneSettings) -> Run | None:
    """A run that was concluded before, or None. Errors: it was another run."""
    if not (folder / RUN).exists():
        return None
    if read_json(folder / START)["identity"] != identify(base, read_tasks(source, settings), settings):
        raise SettingError(
            f"--out {folder} holds a finished run with another base, data or settings;"
            " replace it with --force, or name another folder"
        )
    return _run(folder, load_adapter(folder, base), read_json(folder / RUN))


def _run(folder: Path, adapter: Adapter, record: dict[str, Any]) -> Run:
    scores = {who: {name: Measure(**m) for name, m in found.items()} for who, found in record["scores"].items()}
    return Run(folder, adapter, scores, record["helped"], record["verdict"], record)


def describe(base: Base) -> dict[str, str]:
    """A base, as records of what was done with it name it."""
    return {
        "name": base.name,
        "source": base.source,
        "fingerprint": base.fingerprint,
        "dtype": str(base.dtype).removeprefix("torch."),
        "device": str(base.device),
    }


def _task(plan: Plan, task: Task, pair: Pair) -> dict[str, Any]:
    """What there is to say of one task of a mixture."""
    own = {"data": _data(plan, task), "rows": task.splits.sizes, "labels": task.dataset.labels}
    return {**own, "rate": plan.rates[task.name], **pair.record()}


def _data(plan: Plan, task: Task) -> dict[str, Any]:
    dataset, rows = task.dataset, (*plan.job.rows, *plan.job.held_out)
    bad = [{"place": row.place, "reason": row.reason} for row in dataset.bad]
    return {
        "path": dataset.path,
        "hash": dataset.hash,
        "shape": dataset.shape,
        "columns": dataset.columns,
        "mapping": dataset.mapping,
        "bad_rows": bad,
        "duplicates": len(dataset.examples) - len(distinct(dataset.examples)),
        "truncated": sum(row.cut > 0 for row in rows if row.task in ("", task.name)),
    }


def _diagnosis(base: Base, plan: Plan, adapter: Adapter, judged: Pair) -> list[str]:
    with torch.no_grad():
        vectors = adapter.embeds()
        norms = None if vectors is None else vectors.float().norm(dim=1).cpu().numpy()
    steps = [line for line in read_lines(plan.folder / LOG) if line["kind"] == "step"]
    gradients = [line["gradient_norm"] for line in steps]
    labels = [label for task in plan.tasks for label in task.dataset.labels]  # as `pooled` counts them
    return diagnosis(judged.base, judged.tuned, norms, usual_length(base), gradients, labels)


def samples(base: Base, plan: Plan, adapter: Adapter, pairs: dict[str, Pair]) -> list[dict[str, str]]:
    """Held-out rows, of each task in turn, answered by base and adapter in one mixed batch; what stands for an encoder,
    which writes nothing, has answered already."""
    turns = zip_longest(*([(row, task.name, i) for i, row in enumerate(task.splits.test)] for task in plan.tasks))
    chosen = [one for turn in turns for one in turn if one is not None][:SAMPLES]
    rows, mine = [row for row, _, _ in chosen], [adapter.of_task(task) for _, task, _ in chosen]
    asked = [row.asked(SAMPLE_PARTS) for row in rows]
    settings = GenerateSettings(
        max_new_tokens=min(SAMPLE_TOKENS, plan.renderer.max_length // 2), repetition_penalty=1.1
    )
    prompts = [plan.renderer.prompt(turns, settings.max_new_tokens) for turns in asked]
    if adapter.head() is not None:
        if base.is_encoder:
            before = [(pairs[task].base.answers.written or [""] * (i + 1))[i] for _, task, i in chosen]
        else:
            before = write(base, plan.renderer, prompts, [None] * len(rows), settings)
        said = in_words(adapter, answer(base, [encode(plan.renderer, row, adapter) for row in rows], adapter))
        texts = [*before, *said]
    else:
        texts = write(base, plan.renderer, [*prompts, *prompts], [*[None] * len(rows), *mine], settings)
    return [
        {"prompt": turns[-1].content, "wanted": _wanted(row, turns), "base": before.strip(), "tuned": after.strip()}
        for row, turns, before, after in zip(rows, asked, texts[: len(rows)], texts[len(rows) :], strict=True)
    ]


def _wanted(row: Example, asked: tuple[Turn, ...]) -> str:
    return row.completion.removeprefix(asked[-1].content).strip() if row.plain else row.completion


def _lengths(plan: Plan) -> dict[str, list[int]]:
    rows = plan.rows
    learnt = [sum(row.learn) for row in rows]
    prompt = [len(row.ids) - count for row, count in zip(rows, learnt, strict=True)]
    return {"prompt": prompt, "completion": learnt} if any(learnt) else {"prompt": prompt}


def _confusion(tuned: Judgement) -> list[list[int]] | None:
    """[C][C] rows: true label → chosen label."""
    chosen, truth, classes = tuned.answers.chosen, tuned.answers.truth, tuned.answers.classes
    if chosen is None or truth is None:
        return None
    pairs = Counter(zip(truth.tolist(), chosen.tolist(), strict=True))
    return [[pairs[true, guess] for guess in range(classes)] for true in range(classes)]


def _predictions(plan: Plan, tuned: Judgement) -> dict[str, dict[str, list[float]]] | None:
    """column → true and told numbers of the test rows; None where no number is told."""
    told, true = tuned.answers.told, tuned.answers.numbers
    if told is None or true is None:
        return None
    columns = zip(plan.dataset.names, true.T.tolist(), told.T.tolist(), strict=True)
    return {name: {"true": wanted, "told": found} for name, wanted, found in columns}


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
