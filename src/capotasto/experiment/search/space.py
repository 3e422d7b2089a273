"""A search space: for each searched setting the range or the choices its values come from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

from capotasto.errors import SettingError, nearest
from capotasto.experiment.settings import TuneSettings
from capotasto.methods.settings import MethodSettings
from capotasto.training.settings import TrainSettings

REACH = 10.0  # the learning rate is searched so many times below and above the method's own rule
_SIZES = {  # a method's main size
    "prompt": "tokens=5|10|20|50",
    "ptuning": "tokens=5|10|20|50",
    "residual": "tokens=5|10|20|50",
    "mpt": "tokens=5|10|20|50",
    "gated": "tokens=5|10|20|50",
    "prefix": "tokens=5|10|20|50",
    "lora": "rank=2|4|8|16|32",
    "bottleneck": "reduction=4|8|16|32",
    "head": "hidden=0|64|256",
}
# Seed and data decide on which rows the trials are compared, so they are the same for all.
SEARCHABLE = (MethodSettings.model_fields.keys() | TrainSettings.model_fields.keys()) - {"seed", "objective"}


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `log`: evenly over their orders of magnitude."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """True if the value is one of these."""
        return isinstance(value, int | float) and self.low <= value <= self.high

    def ends(self) -> list[Any]:
        """Values that must be fit to be a setting, so that all are."""
        return [int(self.low), int(self.high)] if self.whole else [self.low, self.high]


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]

    def holds(self, value: Any) -> bool:
        """True if the value is one of these."""
        return value in self.values

    def ends(self) -> list[Any]:
        """Values that must be fit to be a setting, so that all are."""
        return list(self.values)


Space = dict[str, Range | Choice]


def read_space(given: str | Mapping[str, Any], shared: TuneSettings) -> Space:
    """A space from `lr=1e-4..1e-1:log,rank=4|8|16`, or from a mapping as YAML gives it.

    A mapping's values are texts of the same form, lists of choices, or {low, high, log}.
    shared: what all trials have in common; the values of the space must be fit to stand beside it
    Errors: an unknown setting, one that has to be the same for all trials, a value it cannot take.
    """
    found = {}
    for name, what in (_pairs(given) if isinstance(given, str) else given).items():
        name = str(name).replace("-", "_")
        _check_name(name)
        found[name] = _checked(name, _values(name, what), shared)
    if not found:
        raise SettingError("the space is empty; write --space lr=1e-4..1e-1:log, or leave it out")
    return found


def default_space(settings: TuneSettings, rate: float, fixed: set[str]) -> Space:
    """The learning rate around the method's own rule, and the method's main size; without what is `fixed`."""
    sizes = ",".join(dict.fromkeys(_SIZES[part] for part in settings.method.split("+") if part in _SIZES))
    space: Space = {"lr": Range(rate / REACH, rate * REACH, log=True), **(read_space(sizes, settings) if sizes else {})}
    left = {name: values for name, values in space.items() if name not in fixed}
    if not left:
        raise SettingError(f"nothing is left to search: {', '.join(space)} are set; give a --space or leave one out")
    return left


def methods_in(space: Space) -> list[str]:
    """The methods that are tried, where they are searched."""
    return [str(method) for method in space["method"].ends()] if "method" in space else []


def as_dict(space: Space) -> dict[str, dict[str, Any]]:
    """For JSON."""
    return {
        name: asdict(values) if isinstance(values, Range) else {"values": list(values.values)}
        for name, values in space.items()
    }


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, what = part.partition("=")
        if not equals:  # a comma inside a value, as in targets=q_proj,v_proj
            raise SettingError(
                f"cannot read {part!r} in the space; write name=low..high, name=low..high:log or name=a|b"
            )
        if name.strip() in pairs:
            raise SettingError(f"{name.strip()!r} stands twice in the space; remove one")
        pairs[name.strip()] = what.strip()
    return pairs


def _check_name(name: str) -> None:
    if name in SEARCHABLE:
        return
    if name in TuneSettings.model_fields:
        raise SettingError(
            f"{name!r} cannot be searched: trials are compared on the same rows, made in the same way;"
            f" {nearest('', SEARCHABLE)}"
        )
    raise SettingError(f"unknown setting {name!r} in the space; {nearest(name, SEARCHABLE)}")


def _values(name: str, what: Any) -> Range | Choice:
    """From a text, a list or a mapping."""
    whole = int in (kind := TuneSettings.model_fields[name].annotation, *get_args(kind))
    if isinstance(what, Mapping):
        if not {"low", "high"} <= set(what) <= {"low", "high", "log"}:
            raise SettingError(f"the space of {name!r} needs low and high, and may have log; got {', '.join(what)}")
        return _range(name, what["low"], what["high"], bool(what.get("log", False)), whole)
    if isinstance(what, list | tuple):
        return Choice(tuple(what))
    text = str(what).removesuffix(":log")
    if ".." in text and "|" not in text:
        low, high = text.split("..", 1)
        return _range(name, low, high, text != str(what), whole)
    return Choice(tuple(value.strip() for value in text.split("|")))


def _range(name: str, low: Any, high: Any, log: bool, whole: bool) -> Range:
    try:
        ends = float(low), float(high)
    except (TypeError, ValueError):
        raise SettingError(f"the space of {name!r} needs two numbers, got {low!r} and {high!r}") from None
    if not ends[0] < ends[1] or (log and ends[0] <= 0):
        raise SettingError(
            f"the space of {name!r} goes from {low} to {high}; the first must be the smaller"
            f"{', and above 0 with :log' if log else ''}"
        )
    return Range(*ends, log, whole)


def _checked(name: str, values: Range | Choice, shared: TuneSettings) -> Range | Choice:
    """The values as the setting takes them: choices come as texts and become what they mean."""
    where = "the space"
    given = shared.model_dump()
    taken = [getattr(TuneSettings.build({**given, name: value}, where), name) for value in values.ends()]
    return values if isinstance(values, Range) else Choice(tuple(dict.fromkeys(taken)))
