"""One cell of the family's table: one method on one task for as many tokens as fit into a budget; quality, cost."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks.choosing import DATA as CHOOSING
from benchmarks.common import arguments, peaks, report, timed
from benchmarks.ours.common import adapter, example, load
from benchmarks.ours.labels import hits, labelled
from benchmarks.writing import Meaning, restaurants
from capotasto import Base, Example, Job, TrainSettings
from capotasto.decoding.settings import GenerateSettings
from capotasto.evaluate.bootstrap import RESAMPLES, resamples
from capotasto.evaluate.questions import score, write
from capotasto.methods.adapter import Adapter
from capotasto.objectives.heads import encode as encode_class
from capotasto.training.fill import learn
from capotasto.types import Encoded

SCORED = 4000  # texts × labels that are scored at most: a text with 77 labels takes 2 s
HEAD_EPOCHS = 30  # after the first they cost next to nothing
WARM = 2  # steps before the pace is read
PACE_STEPS = 8


@dataclass
class Task:
    """What is learnt and how it is judged.

    judge: (base, adapter) → measure → a number for each test row, or, for BLEU, its counts
    """

    rows: list[Example]
    tests: list[Example]
    text: str
    judge: Callable[[Base, Adapter | None], dict[str, tuple[float, float, float]]]
    labels: list[str] = field(default_factory=list)


def choosing(name: str) -> Task:
    """Text → label, judged by scoring every label."""
    rows, tests = CHOOSING[name]()
    labels = sorted({row.label for row in rows})
    tests = tests[: SCORED // len(labels)]
    train, test = labelled(rows), labelled(tests)
    random.Random(0).shuffle(train)

    def judge(base: Base, learner: Adapter | None) -> dict[str, tuple[float, float, float]]:
        return {"accuracy": interval(hits(base, test, labels, learner))}

    return Task(train, test, f"Classify the text as one of: {', '.join(labels)}.", judge, labels)


def writing() -> Task:
    """Meaning → sentence, judged by BLEU and ROUGE-L against all references of a meaning."""
    rows, tests = restaurants()
    train, test = ([example(row.text, row.references[0]) for row in part] for part in (rows, tests))
    text = "Write one sentence about the restaurant that says everything in the list."

    def judge(base: Base, learner: Adapter | None) -> dict[str, tuple[float, float, float]]:
        renderer = base.renderer(learner)
        prompts = [renderer.prompt(one.turns[:-1]) for one in test]
        settings = GenerateSettings(max_new_tokens=64)
        said = write(base, base.renderer(), prompts, [learner] * len(prompts), settings)
        return {"bleu": bleu(said, tests), "rouge_l": rouge(said, tests)}

    return Task(train, test, text, judge)


TASKS: dict[str, Callable[[], Task]] = {
    **{name: partial(choosing, name) for name in CHOOSING},
    "e2e_nlg": writing,
}


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """The mean of [N] values, and its 95 % interval over the rows."""
    weights = resamples(len(values))
    means = weights @ values / weights.sum(1)
    low, high = np.quantile(means[1:], [0.025, 0.975])
    return float(means[0]), float(low), float(high)


def bleu(said: Sequence[str], tests: Sequence[Meaning]) -> tuple[float, float, float]:
    """Corpus BLEU of sacrebleu, 0 to 1, resampled from each sentence's counts."""
    from sacrebleu.metrics import BLEU

    metric = BLEU()
    most = max(len(one.references) for one in tests)
    references = [[one.references[i] if i < len(one.references) else None for one in tests] for i in range(most)]
    counts = np.array(metric._extract_corpus_statistics(list(said), references), dtype=float)
    sums = resamples(len(said)) @ counts
    scores = [metric._compute_score_from_stats([int(x) for x in line]).score / 100 for line in sums[: RESAMPLES + 1]]
    low, high = np.quantile(scores[1:], [0.025, 0.975])
    return scores[0], float(low), float(high)


def rouge(said: Sequence[str], tests: Sequence[Meaning]) -> tuple[float, float, float]:
    """ROUGE-L of rouge-score: F1 of the longest common subsequence with the best reference."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    best = [scorer.score_multi(one.references, text)["rougeL"].fmeasure for text, one in zip(said, tests, strict=True)]
    return interval(np.array(best))


def encoded(base: Base, learner: Adapter, rows: Sequence[Example]) -> list[Encoded]:
    """Rows as this adapter learns them: its answer is written, or for a head chosen."""
    renderer = base.renderer(learner)
    if learner.head() is not None:
        return [encode_class(renderer, row, learner) for row in rows]
    return [renderer.encode(row) for row in rows]


def job_of(learner: Adapter, rows: list[Encoded], tokens: float, batch_tokens: int, rate: float, seed: int) -> Job:
    """A whole schedule over about `tokens` tokens: a part of the rows once, or all of them several times."""
    random.Random(seed).shuffle(rows)
    total, part = 0, []
    for row in rows:
        if total >= tokens:
            break
        part.append(row)
        total += len(row.ids)
    epochs = HEAD_EPOCHS if learner.head() is not None else max(1, math.floor(tokens / total))
    settings = TrainSettings(epochs=epochs, batch_tokens=batch_tokens, seed=seed, lr=rate)
    return Job("cell", learner, part, settings=settings)


def pace(base: Base, learner: Adapter, rows: list[Encoded], batch_tokens: int, rate: float) -> float:
    """Real tokens a second, the median over a few steps; a head's are those of its one pass through the base."""
    if learner.head() is not None:
        part = rows[:100]
        _, seconds = timed(lambda: score(base, part, [learner] * len(part)), base.device)
        return sum(len(row.ids) for row in part) / seconds
    job = job_of(learner, list(rows), (WARM + PACE_STEPS + 1) * batch_tokens, batch_tokens, rate, 0)
    paces, before = [], 0.0
    for record in learn(base, [job], 0):
        if record.kind == "step":
            paces.append(record.tokens / (record.seconds - before))
            before = record.seconds
        if record.step == WARM + PACE_STEPS:
            job.stop("enough to know the pace")
    return float(np.median(paces[WARM:]))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--data", choices=TASKS, required=True)
    parser.add_argument("--method", required=True, help="base: nothing is trained")
    parser.add_argument("--virtual-tokens", type=int, default=20)
    parser.add_argument("--batch-tokens", type=int, default=256)
    parser.add_argument("--lr", type=float, help="peak learning rate; left out: the package's rule")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--budget-tokens", type=float, help="real tokens to train on")
    budget.add_argument("--pace", action="store_true", help="only measure real tokens a second")
    options = parser.parse_args()

    base, task = load(options), TASKS[options.data]()
    learner, found = None, {}
    if options.method != "base":
        learner = adapter(base, options.method, options.virtual_tokens, task.text, options.seed, None, task.labels)
        rows, rate = encoded(base, learner, task.rows), options.lr or learner.rate(base)[0]
        if options.pace:
            found = {"tokens_per_second": pace(base, learner, rows, options.batch_tokens, rate)}
            report(base.device, base.dtype, **found)
            return
        job = job_of(learner, rows, options.budget_tokens, options.batch_tokens, rate, options.seed)
        for _ in learn(base, [job], 2.0):
            pass
        found = _cost(job, rate)
    memory = peaks(base.device)
    said, seconds = timed(lambda: task.judge(base, learner), base.device)
    report(base.device, base.dtype, **found, **said, judging_seconds=seconds, **memory)


def _cost(job: Job, rate: float) -> dict[str, Any]:
    saved = job.adapter.tensors()
    size = sum(one.numel() * one.element_size() for one in saved.values())
    return {
        "learning_rate": rate,
        "steps": job.step,
        "rows": len(job.rows),
        "epochs": job.settings.epochs,
        "tokens": job.tokens,
        "busy_seconds": job.seconds,
        "adapter_bytes": size,
        "failed": job.failed,
    }


if __name__ == "__main__":
    main()
