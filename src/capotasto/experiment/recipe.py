"""A recipe: several jobs over one base, written down in one file."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field

from capotasto.config import Settings, read_yaml
from capotasto.errors import SettingError
from capotasto.experiment.outcome import Run
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.start import check_method, runs_alone
from capotasto.experiment.tune import Watch, tune_many
from capotasto.session import Base


class Recipe(Settings):
    """What `capo run` reads.

    jobs: name → its `data` and any setting of `capo tune`; the folder of its adapter is `out`/name
    """

    base: str | None = Field(None, description="the base all jobs share; left out: the default one")
    out: str = Field("runs", description="the folder in which each job gets its own")
    defaults: dict[str, Any] = Field(default_factory=dict, description="settings for jobs that do not say otherwise")
    jobs: dict[str, dict[str, Any]] = Field(description="name: {data: FILE, and settings}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Errors: an unknown setting, a job without data, two jobs of one name. Paths are as seen from the recipe."""
        recipe = cls.build(read_yaml(path), str(path))
        if not recipe.jobs:
            raise SettingError(f"{path} has no jobs; write jobs: and below it name: {{data: FILE}}")
        for name in recipe.jobs:
            recipe.work(name, path)
        return recipe

    def work(self, name: str, path: Path) -> tuple[Path, tuple[str, TuneSettings]]:
        """A job as `tune_many` takes it: its folder, its data and its settings."""
        given = {**self.defaults, **self.jobs[name]}
        where = f"job {name!r} of {path}"
        data = given.pop("data", None)
        if not isinstance(data, str):
            raise SettingError(f"{where} has no data; write data: FILE")
        given = {key: _placed(path, key, value) for key, value in given.items()}
        resume = not given.get("force", False)
        settings = TuneSettings.build({**given, "name": name, "resume": resume}, where)
        check_method(settings.method)
        settings.check_heeded(self.jobs[name], where, head=True)
        for task in (settings.mix or {}).values():
            task.data = _from(path, task.data)
        return path.parent / self.out / name, (_from(path, data), settings)


def _placed(path: Path, key: str, value: Any) -> Any:
    """The value of a setting; one that names a file or a folder as seen from the recipe."""
    if key in ("val_data", "test_data", "replay", "stack_on") and isinstance(value, str):
        return _from(path, value)
    if key == "init" and isinstance(value, str) and value.startswith("from:"):
        return "from:" + _from(path, value.removeprefix("from:"))
    return value


def _from(path: Path, name: str) -> str:
    """A file or folder as seen from the recipe."""
    return name if name.startswith("hub:") else str(path.parent / name)


def run_recipe(base: Base, recipe: Recipe, path: Path, watch: Watch | None = None) -> list[Run]:
    """Carry out what is not finished yet: jobs that may share a batch together, the others one after another.

    Errors: those of a job, when all others of its group are finished; what they earned is on disk.
    """
    work = dict(recipe.work(name, path) for name in recipe.jobs)
    alone = {folder for folder, (_, settings) in work.items() if runs_alone(settings.method)}
    groups = [{folder: what for folder, what in work.items() if folder not in alone}]
    groups += [{folder: work[folder]} for folder in work if folder in alone]
    runs = {run.folder: run for group in groups if group for run in tune_many(base, group, watch)}
    return [runs[folder] for folder in work]
