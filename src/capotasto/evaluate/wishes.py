"""Which metrics are measured of which rows, and so which questions are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from capotasto.errors import SettingError
from capotasto.evaluate.metric import Question
from capotasto.evaluate.metrics import METRICS, named
from capotasto.evaluate.schema import read_schema
from capotasto.evaluate.settings import MetricSettings
from capotasto.types import Example

ALL = "all"


@dataclass(frozen=True)
class Wishes:
    """What is measured beside the usual metrics.

    metrics: names, each of which fits the rows
    schema:  the JSON schema that answers are held to
    tokens:  of a written answer at most; None: as many as the longest wanted one has
    notes:   a line for each metric that is left out
    """

    metrics: tuple[str, ...] = ()
    schema: Any = None
    tokens: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """True if a metric needs written answers."""
        return any("write" in named(name).asks for name in self.metrics)


USUAL = Wishes()  # nothing beside the usual metrics


def wishes(
    settings: MetricSettings, examples: Sequence[Example], labels: Sequence[str], objective: str = "lm"
) -> Wishes:
    """What the settings wish for these rows. A metric whose package is absent is left out, with a note.

    Errors: an unknown metric, one that does not fit the rows, a schema that is missing or is none.
    """
    asked = questions(examples, labels, objective)
    fitting = [name for name in METRICS if set(named(name).asks) & set(asked)]
    chosen = settings.metrics or []
    schema = None if settings.json_schema is None else read_schema(settings.json_schema)
    for name in chosen:
        if name != ALL and not set(named(name).asks) & set(asked):
            raise SettingError(f"metric {name!r} does not fit: {_why(asked)}; take of {', '.join(fitting)}")
    if "json_schema" in chosen and schema is None:
        raise SettingError(
            "metric 'json_schema' holds answers to a schema and there is none; name it: --json-schema FILE"
        )
    every = [name for name in fitting if name != "json_schema" or schema is not None]
    found = tuple(dict.fromkeys(name for one in chosen for name in (every if one == ALL else [one])))
    absent = [name for name in found if not named(name).installed]
    notes = tuple(_note(name) for name in absent)
    return Wishes(tuple(name for name in found if name not in absent), schema, settings.answer_tokens, notes)


def questions(examples: Sequence[Example], labels: Sequence[str], objective: str) -> tuple[Question, ...]:
    """What can be asked about these rows. objective: that of the heads among those who answer."""
    if objective == "regress":
        return ("tell",)
    if objective == "multilabel":
        return ("mark",)
    if labels:
        return ("score", "choose", "write")
    return ("score",) if any(example.plain for example in examples) else ("score", "write")


def _why(asked: Sequence[Question]) -> str:
    """What the rows are."""
    if "tell" in asked:
        return "these rows ask for numbers"
    if "mark" in asked:
        return "these rows ask for all labels that fit"
    if "choose" in asked:
        return "these rows ask for one of several labels"
    return "these rows have no labels" if "write" in asked else "these rows are plain text, which asks nothing"


def _note(name: str) -> str:
    package, _ = named(name).library or ("", "")
    return f"{name} is left out: it needs {package}; pip install 'capotasto[metrics]'"
