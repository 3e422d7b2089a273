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


def parted(value: Any) -> Any:
    """A text with commas, as on the command line, as a list; anything else as it is."""
    return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value


def paired(value: object, example: str) -> object:
    """Texts `a=b,c=d`, as on the command line, as a mapping; a mapping as it is; nothing as None.

    Errors: ValueError, with `example`, for a text without pairs
    """
    if value is None or isinstance(value, dict):
        return value or None
    texts = value if isinstance(value, list | tuple) else [value]
    parts = [part.partition("=") for text in texts for part in str(text).split(",")]
    if not all(sign for _, sign, _ in parts):
        raise ValueError(f"write pairs such as {example}")
    return {name.strip(): other.strip() for name, _, other in parts}


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds settings by name."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses what YAML itself lets pass: a name that is given twice, of which the last would win. Takes `on` for a
        word, as YAML 1.2 does, not for true."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names = [self.construct_object(key) for key, _ in node.value]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise SettingError(f"{path}, line {node.start_mark.line + 1}: {twice!r} stands there twice; remove one")
            return super().construct_mapping(node, deep)

    Loader.yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in known if not (tag.endswith(":bool") and first in "oO")]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader)
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
