"""How base and adapter do on the test rows of each task, by its own labels, and on all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from capotasto.evaluate.answers import pooled
from capotasto.evaluate.bare import ask_beside_bare
from capotasto.evaluate.judge import Judgement, judge_all
from capotasto.evaluate.verdict import verdict
from capotasto.experiment.tasks import Task
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.tokens.render import Renderer


@dataclass(frozen=True)
class Pair:
    """Base and adapter, judged on the same rows."""

    base: Judgement
    tuned: Judgement

    @property
    def verdict(self) -> tuple[bool, str]:
        """(it measurably helps, one sentence)."""
        return verdict(self.base, self.tuned)

    def record(self) -> dict[str, Any]:
        """For `run.json`."""
        helped, sentence = self.verdict
        return {
            "scores": {"base": _scores(self.base.scores), "tuned": _scores(self.tuned.scores)},
            "difference": _scores(self.tuned.difference or {}),
            "helped": helped,
            "verdict": sentence,
        }


def judge_tasks(
    base: Base, renderer: Renderer, tasks: Sequence[Task], adapter: Adapter, objective: str = "lm"
) -> dict[str, Pair]:
    """Task → what base and adapter answer on its test rows."""
    found = {}
    for task in tasks:
        rows, names = task.splits.test, judged_names(task, objective)
        mine = [adapter.of_task(task.name)]
        answers = ask_beside_bare(base, renderer, rows, names, task.splits.train, mine, objective)
        found[task.name] = Pair(*judge_all(answers))
    return found


def judged_names(task: Task, objective: str) -> list[str]:
    """The labels among which the rows of a task choose, or the columns whose numbers are told."""
    return task.dataset.labels if objective == "lm" else task.dataset.names


def together(pairs: Sequence[Pair]) -> Pair:
    """The test rows of all tasks as one set."""
    if len(pairs) == 1:
        return pairs[0]
    sides = ([pair.base.answers for pair in pairs], [pair.tuned.answers for pair in pairs])
    return Pair(*judge_all([pooled(side) for side in sides]))


def harmed(pairs: dict[str, Pair]) -> list[str]:
    """A sentence for each task of a mixture that the adapter harms, which the verdict on all rows may hide."""
    sentences = {name: pair.verdict[1] for name, pair in pairs.items()}
    return [
        f"Task {name}: {text}" for name, text in sentences.items() if len(pairs) > 1 and text.startswith("It harms")
    ]


def _scores(measures: dict) -> dict[str, dict[str, float]]:
    return {name: measure.as_dict() for name, measure in measures.items()}
