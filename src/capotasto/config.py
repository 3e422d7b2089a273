"""One definition of a setting: the Python argument, the YAML key, the CLI flag and the help text are the same field."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from capotasto.errors import SettingError, nearest


class Settings(BaseModel):
    """A group of settings. Unknown names are refused with the nearest known one."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, protected_namespaces=())

    @classmethod
    def build(cls, values: dict[str, Any], where: str = "the call") -> Self:
        """Validate `values`; every fault becomes one line that names the setting and the place."""
        for name in values:
            if name not in cls.model_fields:
                raise SettingError(f"unknown setting {name!r} in {where}; {nearest(name, cls.model_fields)}")
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingError(_one_line(error, where)) from None

    @classmethod
    def from_yaml(cls, path: Path, **overrides: Any) -> Self:
        """Settings from a YAML file; `overrides` win."""
        return cls.build({**read_yaml(path), **overrides}, where=str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds settings by name."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingError(f"no settings file at {path}; check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise SettingError(f"{path} does not hold settings; write one `name: value` a line")
    return values


def _one_line(error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return f"setting {name!r} in {where}: {reason[0].lower() + reason[1:]}, got {first['input']!r}"
