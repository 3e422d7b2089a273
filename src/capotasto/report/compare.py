"""What is known of a comparison: the fields of `compare.json` and of its contenders' `answers.json`, checked once."""

import math
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from capotasto.report.audit import Audit
from capotasto.report.run import Interval, Intervals, Part, Record, Source, without_nulls

BASE = "zero-shot"  # the contender that is the base alone


class Contrast(Interval):
    """A difference to another contender with its interval and p-value."""

    low: FiniteFloat
    high: FiniteFloat
    p: FiniteFloat


class Against(Part):
    """Differences to the base alone and to the best."""

    against_base: Contrast | None = None
    against_best: Contrast | None = None


class Costs(Part):
    """Seconds of training and choosing, 10⁶ bytes of memory, bytes on disk, tokens added to a request, milliseconds of
    one request alone, tokens a second in batches."""

    train_seconds: FiniteFloat | None = None
    search_seconds: FiniteFloat | None = None
    peak_memory_mb: FiniteFloat | None = None
    bytes: FiniteFloat | None = None
    added_tokens: FiniteFloat | None = None
    latency_ms: FiniteFloat | None = None
    tokens_per_second: FiniteFloat | None = None


class Sheet(Part):
    """`answers.json`: what a contender answered, one item a test row; see `evaluate.answers` and docs/artefacts.md.

    chances: [N, C] log-probabilities; quality: [N] the row's share of the decisive metric, more is better.
    """

    nats: list[float] = Field(default_factory=list)
    tokens: list[float] = Field(default_factory=list)
    chosen: list[int] = Field(default_factory=list)
    truth: list[int] = Field(default_factory=list)
    chances: list[list[float]] = Field(default_factory=list)
    written: list[str] = Field(default_factory=list)
    quality: list[FiniteFloat] = Field(default_factory=list)

    def fault(self, rows: int, labels: int) -> str:
        """What keeps it from being the answers to so many rows with so many labels; empty where nothing does."""
        for name in Sheet.model_fields:
            count = len(getattr(self, name))
            if count != rows and (count or name == "quality"):
                return f"`{name}` has {count} items for {rows} test rows"
        if any(not -1 <= label < labels for label in (*self.chosen, *self.truth)):
            return f"`chosen` or `truth` names a label beyond the {labels} of the data"
        if any(len(one) != labels or any(map(math.isnan, one)) or math.isinf(max(one)) for one in self.chances):
            return f"`chances` must have one number for each of the {labels} labels"
        return ""


class Contender(Part):
    """One way to the task: what it is, how it went, what it scored and cost; `sheet` holds its answers."""

    name: str
    kind: str = ""
    method: str = ""
    how: str = ""
    status: str = ""
    reason: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    scores: Intervals = Field(default_factory=dict)
    costs: Costs = Costs()
    answers: str = ""
    sheet: Sheet = Sheet()


class Row(Part):
    """A test row."""

    prompt: str = ""
    wanted: str = ""


class CompareData(Source):
    """Where the rows came from, how many each side has, and their labels."""

    rows: Annotated[dict[str, int], BeforeValidator(without_nulls)] = Field(default_factory=dict)
    labels: list[str] = Field(default_factory=list)


class Point(Interval):
    """The score after training on so many rows."""

    rows: int


class Curve(Part):
    """Scores of one contender over the number of training rows."""

    contender: str
    points: list[Point] = Field(default_factory=list)


class Recommendation(Part):
    """Who was chosen, two sentences and the reasons."""

    choice: str = ""
    text: str = ""
    reasons: list[str] = Field(default_factory=list)


class Comparison(Record):
    """Everything in `compare.json`."""

    date: str = ""
    data: CompareData = CompareData()
    docs: str = ""
    metric: str = "accuracy"
    lower_is_better: bool = False
    budget_seconds: FiniteFloat | None = None
    seconds: FiniteFloat | None = None
    notes: list[str] = Field(default_factory=list)
    rows: list[Row] = Field(default_factory=list)
    prompts: list[int] | None = None
    contenders: list[Contender] = Field(default_factory=list)
    curve: list[Curve] = Field(default_factory=list)
    audit: Audit | None = None
    comparisons: Annotated[dict[str, Against], BeforeValidator(without_nulls)] = Field(default_factory=dict)
    ranking: list[str] = Field(default_factory=list)
    recommendation: Recommendation = Recommendation()

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        names = [one.name for one in self.contenders]
        if len(set(names)) < len(names):
            raise ValueError("`contenders` has a name twice")
        if strange := {*self.ranking, *self.comparisons} - set(names):
            raise ValueError(f"`ranking` or `comparisons` names {sorted(strange)[0]!r}, which is no contender")
        if self.prompts is not None and len(self.prompts) != len(self.rows):
            raise ValueError(f"`prompts` has {len(self.prompts)} items for {len(self.rows)} test rows")
        return self

    @property
    def units(self) -> list[int]:
        """The rows that count: all, or the first of each prompt where rows that ask the same get one answer."""
        return list(range(len(self.rows))) if self.prompts is None else sorted(map(self.prompts.index, {*self.prompts}))

    def contender(self, name: str) -> Contender:
        """The contender with that name."""
        return next(one for one in self.contenders if one.name == name)
