"""What is known of a run: the fields of `run.json`, checked once, so that the pages need no further checks."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, FiniteFloat, model_validator


def without_nulls(value: Any) -> Any:
    """A mapping without its null entries; anything else as it is."""
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


class Part(BaseModel):
    """A part of `run.json`: every field may be missing or null, and fields of later versions are passed over."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        return without_nulls(value)


class Interval(Part):
    """A number, with its 95 % interval where one was computed."""

    value: FiniteFloat
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None

    @property
    def ends(self) -> list[float]:
        """The value and the ends of the interval that are known."""
        return [number for number in (self.low, self.value, self.high) if number is not None]


Intervals = Annotated[dict[str, Interval], BeforeValidator(without_nulls)]


class Scores(Part):
    """Scores by metric on the same rows: of the bare base and of the base with the adapter."""

    base: Intervals = {}
    tuned: Intervals = {}


class BaseModelUsed(Part):
    """Which frozen model was used, and how it was run."""

    name: str = ""
    source: str = ""
    fingerprint: str = ""
    dtype: str = ""
    device: str = ""


class Record(Part):
    """What the record of a run, a comparison or an audit says first: with which version, base and settings."""

    capotasto: str = ""
    base: BaseModelUsed = BaseModelUsed()
    settings: dict[str, Any] = {}


class BadRow(Part):
    """A row that was left out, and why."""

    place: str = ""
    reason: str = ""


class Source(Part):
    """Where the rows came from."""

    path: str = ""
    hash: str = ""
    shape: str = ""


class Data(Source):
    """Where the rows came from and how they were read. `truncated` counts rows cut to the longest allowed length."""

    columns: list[str] = []
    mapping: dict[str, Any] = {}
    bad_rows: list[BadRow] = []
    truncated: int = 0


class Sample(Part):
    """One held-out row with both answers."""

    prompt: str = ""
    wanted: str = ""
    base: str = ""
    tuned: str = ""


class Predictions(Part):
    """The true numbers of the test rows and those told with the adapter."""

    true: list[FiniteFloat] = []
    told: list[FiniteFloat] = []

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if len(self.true) != len(self.told):
            raise ValueError("`predictions` must have one told number for each true one")
        return self


class Task(Part):
    """Scores by metric on rows of their own: of one task of a mixture, or of general text."""

    path: str = ""
    scores: Scores = Scores()
    difference: Intervals = {}


class Run(Record):
    """Everything in `run.json`, and from beside it the records of `log.jsonl` and the adapter file's size in bytes.

    Losses are in nats per supervised token, lengths in tokens per row, `peak_memory_mb` in 10⁶ bytes.
    """

    name: str = ""
    method: str = ""
    data: Data = Data()
    rows: dict[str, int] = {}
    init: dict[str, Any] = {}
    scores: Scores = Scores()
    difference: Intervals = {}
    tasks: dict[str, Task] = {}
    replay: Task = Task()
    train_seconds: FiniteFloat | None = None
    tokens_per_second: FiniteFloat | None = None
    peak_memory_mb: FiniteFloat | None = None
    trainable_parameters: int | None = None
    steps: int | None = None
    best_step: int | None = None
    stopped: str = ""
    helped: bool | None = None
    verdict: str = ""
    diagnosis: list[str] = []
    samples: list[Sample] = []
    lengths: dict[str, list[int]] = {}
    labels: list[str] = []
    confusion: list[list[int]] = []
    objective: str = ""
    predictions: dict[str, Predictions] = {}
    log: list[dict[str, Any]] = []
    adapter_bytes: int | None = None

    @model_validator(mode="after")
    def _square(self) -> Self:
        if self.confusion and {len(self.confusion), *map(len, self.confusion)} != {len(self.labels)}:
            raise ValueError(f"`confusion` must have one row and one column for each of the {len(self.labels)} labels")
        return self
