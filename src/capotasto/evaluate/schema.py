"""The JSON schema that written answers are held to (https://json-schema.org), by the package jsonschema."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from capotasto.errors import SettingError
from capotasto.records import read_json

LIBRARY = ("jsonschema", "jsonschema")


def read_schema(path: Path) -> Any:
    """The schema in a file, unchecked where the package is absent.

    Errors: it is none, or refers to what is not in it: nothing is fetched.
    """
    schema = read_json(path)
    try:
        validators = import_module("jsonschema.validators")
        referencing = import_module("referencing")
    except ImportError:
        return schema
    if not isinstance(schema, dict):
        raise SettingError(f"--json-schema {path} is no JSON schema: it is not an object; correct it")
    try:
        validators.validator_for(schema).check_schema(schema)
    except import_module("jsonschema.exceptions").SchemaError as error:
        raise SettingError(f"--json-schema {path} is no JSON schema: {error.message}; correct it") from None
    resource = import_module("referencing.jsonschema").DRAFT202012.create_resource(schema)
    resolver = referencing.Registry().resolver_with_root(resource)
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Exception:
            raise SettingError(
                f"--json-schema {path} refers to {reference!r}, which is not in it, and nothing is fetched; write it"
                " into the schema, under $defs"
            ) from None
    return schema


def conforms(schema: Any) -> Callable[[Any], bool]:
    """Whether a value follows this schema."""
    make = import_module("jsonschema.validators").validator_for(schema)
    valid: Callable[[Any], bool] = make(schema, registry=import_module("referencing").Registry()).is_valid
    return valid


def _references(schema: Any) -> Iterator[str]:
    """What `$ref` names anywhere in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)
