"""Command-line options made from the fields of settings: names, defaults and help texts are written once."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from rich.markup import escape

from capotasto.config import Settings, read_yaml

Json = Annotated[bool, typer.Option("--json", metavar="", help="print one JSON document instead of tables")]

Command = TypeVar("Command", bound=Callable[..., None])
Group = TypeVar("Group", bound=Settings)
_METAVARS = {int: "N", float: "X", str: "TEXT"}


def settings_options(group: type[Settings], only: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Give a command an option for each field of `group` (or for those named), in place of its `**given`.

    The values arrive as texts and are checked where all settings are: in `build`. Those not given arrive as None.
    """

    def extend(command: Command) -> Command:
        signature = inspect.signature(command)
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        taken = {parameter.name for parameter in own}
        names = [name for name in only or group.model_fields if name not in taken]
        command.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*own, *(_parameter(group, name) for name in names)]
        )
        return command

    return extend


def build(group: type[Group], given: Mapping[str, Any]) -> Group:
    """The settings of one group from what was given on the command line; names of other groups are passed over."""
    known = {name: value for name, value in present(given).items() if name in group.model_fields}
    return group.build(known, "the command line")


def with_file(group: type[Group], config: Path | None, given: Mapping[str, Any]) -> Group:
    """The settings of a YAML file, if there is one, with those of the command line over them."""
    written = read_yaml(config) if config else {}
    kept = {str(name).replace("-", "_"): value for name, value in written.items()}
    group.build(kept, str(config))
    return group.build({**kept, **present(given)}, "the command line")


def present(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given: neither left out nor an empty list."""
    return {name: value for name, value in given.items() if value is not None and value != []}


def _parameter(group: type[Settings], name: str) -> inspect.Parameter:
    field = group.model_fields[name]
    kind = _kind(field)
    words = name.replace("_", "-")
    flag = f"--{words}/--no-{words}" if field.default is True else f"--{words}"
    annotation = {bool: bool | None, dict: list[str] | None}.get(kind, str | None)
    info = typer.Option(flag, metavar=_metavar(field, kind), help=_help(field), rich_help_panel=_panel(group, name))
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[annotation, info])


def _kind(field: FieldInfo) -> Any:
    """The type behind `X | None`, without its arguments."""
    annotation = _inner(field)
    return get_origin(annotation) or annotation


def _inner(field: FieldInfo) -> Any:
    """`X` of `X | None`."""
    if get_origin(field.annotation) not in (Union, UnionType):
        return field.annotation
    return next(part for part in get_args(field.annotation) if part is not NoneType)


def _metavar(field: FieldInfo, kind: Any) -> str:
    if isinstance(field.json_schema_extra, dict) and "metavar" in field.json_schema_extra:
        return str(field.json_schema_extra["metavar"])
    if kind is Literal:
        return "|".join(map(str, get_args(_inner(field))))
    return {bool: "", dict: "KEY=COLUMN"}.get(kind, _METAVARS.get(kind, "PATH"))


def _help(field: FieldInfo) -> str:
    text = escape(field.description or "")
    return text if field.default is None or field.default is False else rf"{text} [dim]\[{field.default}][/dim]"


def _panel(group: type[Settings], name: str) -> str | None:
    """The first sentence about the group of settings that brings the field; None for a command's own."""
    home = [cls for cls in group.__mro__ if issubclass(cls, Settings) and name in cls.model_fields][-1]
    return (home.__doc__ or "").splitlines()[0].rstrip(".") if home.__bases__ == (Settings,) else None
