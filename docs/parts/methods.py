"""methods.md: what a user may choose by name, from the tables the code itself looks in."""

import inspect
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from capotasto.comparing.settings import CompareSettings
from capotasto.comparing.wizard_settings import WizardSettings
from capotasto.config import Settings
from capotasto.data.readers import READERS
from capotasto.data.shapes import SHAPES, shape
from capotasto.decoding.settings import GenerateSettings
from capotasto.evaluate.metrics import METRICS
from capotasto.evaluate.settings import MetricSettings
from capotasto.experiment.curriculum_settings import CurriculumSettings
from capotasto.experiment.mixture_settings import MixtureSettings
from capotasto.experiment.replay_settings import ReplaySettings
from capotasto.experiment.search.settings import SearchSettings
from capotasto.experiment.settings import DataSettings, RunSettings, TuneSettings
from capotasto.experiment.track import TRACKERS
from capotasto.methods import METHODS
from capotasto.methods.initial import INITS
from capotasto.methods.settings import (
    BottleneckSettings,
    FullSettings,
    HeadSettings,
    LoraSettings,
    PromptSettings,
)
from capotasto.registry import Table
from capotasto.retrieve.settings import IndexSettings, LookupSettings
from capotasto.serve.engine_settings import EngineSettings
from capotasto.tokens.render import PLACEMENTS
from capotasto.training.settings import TrainSettings
from parts.markdown import code, table

INIT_MEANINGS = {
    "text": "`text:WORDS`: the embeddings of these words, repeated or cut to the number of virtual tokens",
    "labels": "the embeddings of the class names in the data",
    "vocab": "tokens drawn from the 5,000 most common ones of the vocabulary",
    "examples": "`examples:K`: K training rows as they are rendered; a text shorter than --tokens gives fewer",
    "random": "normal noise with the root mean square of the base's own embeddings",
    "peft-random": "normal noise of variance 1 whatever the base: PEFT's default, to reproduce its results",
    "from": "`from:DIR`: the vectors of another adapter (prompt transfer)",
}
PLACEMENT_MEANINGS = {
    "front": "before everything; the only one PEFT can read",
    "after_bos": "after the token that begins a text, where the tokenizer writes one",
    "system": "inside the system turn of the chat template",
}
GROUPS: dict[str, type[Settings]] = {
    "Virtual tokens": PromptSettings,
    "Low-rank changes": LoraSettings,
    "Bottlenecks": BottleneckSettings,
    "A head": HeadSettings,
    "The base's own parameters": FullSettings,
    "Training": TrainSettings,
    "Data": DataSettings,
    "Several data sets": MixtureSettings,
    "Easy rows first": CurriculumSettings,
    "General text against forgetting": ReplaySettings,
    "The run": RunSettings,
    "Searching": SearchSettings,
    "What is measured (`capo eval`)": MetricSettings,
    "What speaks against training": WizardSettings,
    "Documents (`capo index`, `capo.build_index`)": IndexSettings,
    "Looking up passages (`capo ask`)": LookupSettings,
    "Comparing": CompareSettings,
    "Writing text (`capo generate`, `base.generate`)": GenerateSettings,
    "The engine": EngineSettings,
}


HEAD = "# Methods and settings\n\nWhat may be chosen by name, and every setting.\n"
NO_START = """
Left out, a few candidates are made from the data, tried without training on a few training rows, and the one with the
least loss is taken. The choice is written down in `run.json`.
"""
ONE_NAME = "One name everywhere: `batch_tokens` in Python and YAML is `--batch-tokens` on the command line.\n"


def page() -> str:
    """The whole page."""
    return "\n".join(
        ["# Methods and settings\n", "What may be chosen by name, and every setting.\n", *_choices(), *_all()]
    )


def _choices() -> list[str]:
    return [
        "## Methods\n\n" + table(["name", "what is learned"], _described(METHODS)),
        "## Starts (`--init`)\n\n" + table(["kind", "where the virtual tokens start"], _meanings(INITS, INIT_MEANINGS)),
        NO_START.lstrip("\n"),
        "## Placements (`--placement`)\n\n" + table(["name", "where"], _meanings(PLACEMENTS, PLACEMENT_MEANINGS)),
        f"Metrics: {', '.join(code(name) for name in METRICS)}. [metrics.md](metrics.md) says what they are.\n",
        "## Data\n\n" + table(["shape", "columns it needs", "columns it may have"], _shapes()),
        f"Formats: {', '.join(code(name) for name in READERS)}. [data.md](data.md) says more.\n",
        f"## Trackers (`--report-to`)\n\n{', '.join(code(name) for name in TRACKERS)}\n",
    ]


def _all() -> list[str]:
    groups = [f"### {title}\n\n{_settings(group, group.model_fields)}" for title, group in GROUPS.items()]
    return [
        "## Settings\n",
        ONE_NAME,
        *groups,
        "### Method\n\n" + _settings(TuneSettings, ["method", "stack_on"]),
    ]


def _described(names: Table) -> list[list[str]]:
    """Each name with the first paragraph of its module's docstring."""
    modules = {name: import_module(names[name].__module__) for name in names}
    return [[code(name), (inspect.getdoc(module) or "").split("\n\n")[0]] for name, module in modules.items()]


def _meanings(names: Any, meanings: dict[str, str]) -> list[list[str]]:
    """Each name with its meaning; a name without one is a KeyError, so that none is forgotten here."""
    return [[code(name), meanings[name]] for name in names]


def _shapes() -> list[list[str]]:
    return [[code(name), _columns(shape(name).needs), _columns(shape(name).optional)] for name in SHAPES]


def _columns(keys: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{code(key)} ({', '.join(dict.fromkeys(known))})" for key, known in keys.items()) or "none"


def _settings(group: type[Settings], names: Iterable[str]) -> str:
    rows = [[code(name), *_field(group.model_fields[name])] for name in names]
    return table(["setting", "default", "what it does"], rows)


def _field(field: FieldInfo) -> tuple[str, str]:
    """(default, what it does), with the values it may take where they are few."""
    value = str(field.default).lower() if isinstance(field.default, bool) else field.default
    kinds = (field.annotation, *get_args(field.annotation))  # `Literal[…]`, or `Literal[…] | None`
    literal = next((kind for kind in kinds if get_origin(kind) is Literal), None)
    values = ", ".join(code(name) for name in get_args(literal)) if literal is not None else ""
    what = f"{field.description}: {values}" if values else str(field.description)
    return "left out" if value is None else code(value), what
