"""What a run minimises: as told, or what its method and its data mean."""

from capotasto.data.shapes.detect import OBJECTIVES
from capotasto.errors import SettingError
from capotasto.experiment.settings import TuneSettings

HEADS = {"head"}  # methods that answer by a head


def has_head(settings: TuneSettings) -> bool:
    """True if the method answers by a head and writes no text."""
    return bool(HEADS & set(settings.method.split("+")))


def asked(settings: TuneSettings) -> str:
    """The objective that the data must be read for: the one told, or `lm`, which takes any data.

    Errors: one that the method cannot have.
    """
    if settings.objective is None:
        return "lm"
    if settings.objective == "lm" and has_head(settings):
        raise SettingError(f"method {settings.method} has a head and writes no text; leave --objective lm out")
    if settings.objective != "lm" and not has_head(settings):
        raise SettingError(
            f"objective {settings.objective} needs a head, and method {settings.method} writes text;"
            f" take --method head or {settings.method}+head"
        )
    return settings.objective


def resolve(settings: TuneSettings, shape: str) -> tuple[str, str]:
    """(the objective, why). Errors: data that a head cannot learn from, settings that the objective has no use for."""
    found: str
    if settings.objective is not None:
        found, why = settings.objective, "as told"
    elif not has_head(settings):
        found, why = "lm", f"method {settings.method} writes text"
    else:
        fitting = {known: name for name, (known, _) in OBJECTIVES.items()}
        if shape not in fitting:
            raise SettingError(
                f"method {settings.method} chooses among labels or tells numbers, and this data has none (it is read as"
                f" {shape}); map them: --map text=COLUMN and --map label=COLUMN, labels=COLUMN or score=COLUMN"
            )
        found, why = fitting[shape], f"the data is {shape}"
    if found != "lm" and settings.prompt_weight:
        raise SettingError("a head learns no token of a prompt; leave --prompt-weight out")
    if found in ("regress", "multilabel") and settings.label_smoothing:
        raise SettingError(f"objective {found} chooses no label that could be smoothed; leave --label-smoothing out")
    return found, why
