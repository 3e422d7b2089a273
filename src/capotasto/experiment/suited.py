"""Settings made to suit the base: where a base can only answer through a head, every method gets one."""

import warnings

from capotasto.base.frozen import FrozenBase
from capotasto.experiment.settings import TuneSettings


def suited(base: FrozenBase, settings: TuneSettings) -> TuneSettings:
    """The settings as they are carried out on this base; a difference is said in a warning."""
    if not base.is_encoder or "head" in settings.method.split("+"):
        return settings
    method = f"{settings.method}+head"
    warnings.warn(
        f"{base.name} is an encoder, which answers through a head: --method {settings.method} is carried out as"
        f" {method}",
        stacklevel=2,
    )
    return settings.model_copy(update={"method": method})
