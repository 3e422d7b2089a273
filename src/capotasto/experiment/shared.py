"""What several plans over the same data have in common, made once: rows read, split and encoded."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

from capotasto.experiment.folder import NEUTRAL
from capotasto.experiment.settings import TuneSettings
from capotasto.methods.settings import MethodSettings
from capotasto.training.settings import TrainSettings

Made = TypeVar("Made")

# Settings that say how rows are learned and not which rows there are, or how they become token ids.
_ASIDE = (NEUTRAL | MethodSettings.model_fields.keys() | TrainSettings.model_fields.keys()) - {
    "method",
    "objective",
    "placement",
    "seed",
}


class Shared:
    """Remembers what was made from one source under the settings that decide it."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def once(self, what: str, source: str, settings: TuneSettings, make: Callable[[], Made]) -> Made:
        """What `make` gives, from memory where it was made before. `what` names it and all else that decides it."""
        decisive = {key: value for key, value in settings.model_dump().items() if key not in _ASIDE}
        key = json.dumps([what, source, decisive], sort_keys=True)
        if key not in self._made:
            self._made[key] = make()
        return cast(Made, self._made[key])
