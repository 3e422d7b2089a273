"""How text is to be written, as OpenAI and vLLM name it."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field

from capotasto.decoding.settings import GenerateSettings
from capotasto.serve.faults import RefusedError
from capotasto.serve.schemas.common import Body, Model, Request

_GREEDY = 1e-3  # a temperature below it would only overflow
_SEEDS = 2**63
_LONGEST_STOP = 256  # characters
_LONGEST_RULE = 65_536  # characters of a schema
_LONGEST_PATTERN = 4096
_DEEPEST_RULE = 100  # levels of a schema; llguidance reads 127

StopText = Annotated[str, Field(min_length=1, max_length=_LONGEST_STOP)]


class StreamOptions(Body):
    """What a stream brings beside text."""

    include_usage: bool | None = None


class JsonSchema(BaseModel):
    """A schema with the name it goes by."""

    name: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")


class ResponseFormat(BaseModel):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class Sampling(Request):
    """Fields of completions and chat completions alike. unsupported: would change the answer if they were set."""

    unsupported: ClassVar[tuple[str, ...]] = (
        *("logit_bias", "guided_choice", "guided_grammar", "structured_outputs", "min_tokens", "min_p"),
        "stop_token_ids",
    )

    model: str = Model
    max_tokens: int | None = Field(None, ge=0, le=1 << 20)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1, le=1 << 20, description="0 or -1: no limit")
    repetition_penalty: float | None = Field(None, ge=0.01, le=100)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    seed: int | None = Field(None, description="left out: drawn anew for each request")
    n: int | None = Field(None, ge=1)
    stop: StopText | Annotated[list[StopText], Field(max_length=16)] | None = None
    ignore_eos: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    guided_json: Annotated[str, Field(max_length=_LONGEST_RULE)] | dict[str, Any] | None = None
    guided_regex: Annotated[str, Field(min_length=1, max_length=_LONGEST_PATTERN)] | None = None
    logit_bias: dict[str, float] | None = Field(None, description="not supported")
    guided_choice: Any = Field(None, description="not supported")
    guided_grammar: Any = Field(None, description="not supported")
    structured_outputs: Any = Field(None, description="not supported; send response_format or guided_regex")
    min_tokens: Any = Field(None, description="not supported beyond 0")
    min_p: Any = Field(None, description="not supported beyond 0")
    stop_token_ids: Any = Field(None, description="not supported")

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop texts as a tuple."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def wants_usage(self) -> bool:
        """True where the stream is to end with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def settings(self, tokens: int, seed: int) -> GenerateSettings:
        """How a row is written. The defaults are OpenAI's: a temperature of 1."""
        temperature = 1.0 if self.temperature is None else self.temperature
        return GenerateSettings(
            max_new_tokens=tokens,
            temperature=0.0 if temperature < _GREEDY else temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            top_k=max(0, self.top_k or 0),
            repetition_penalty=self.repetition_penalty or 1.0,
            presence_penalty=self.presence_penalty or 0.0,
            frequency_penalty=self.frequency_penalty or 0.0,
            ignore_end=bool(self.ignore_eos),
            seed=seed % _SEEDS,
        )

    def rule(self) -> tuple[str | None, str | None]:
        """(JSON schema, pattern) that the answer must follow. Errors: more than one is given."""
        schemas = [schema for schema in (self._of_format(), self._guided()) if schema is not None]
        if len(schemas) + (self.guided_regex is not None) > 1:
            raise RefusedError("response_format, guided_json and guided_regex exclude each other; send one of them")
        if schemas and len(schemas[0]) > _LONGEST_RULE:
            raise RefusedError(f"the schema has {len(schemas[0])} characters, and may have {_LONGEST_RULE}")
        return (schemas[0] if schemas else None), self.guided_regex

    def _of_format(self) -> str | None:
        given = self.response_format
        if given is None or given.type == "text":
            return None
        if given.type == "json_object":
            return '{"type": "object"}'
        if given.json_schema is None or given.json_schema.schema_ is None:
            raise RefusedError("response_format has no json_schema.schema; send one", param="response_format")
        return _written(given.json_schema.schema_, "response_format")

    def _guided(self) -> str | None:
        if self.guided_json is None or isinstance(self.guided_json, dict):
            return None if self.guided_json is None else _written(self.guided_json, "guided_json")
        try:
            return _written(json.loads(self.guided_json), "guided_json")
        except (ValueError, RecursionError):
            raise RefusedError("guided_json is no JSON; send a schema", param="guided_json") from None

    def check(self, most: int) -> None:
        """Errors: what would change the answer and is not supported; more answers than `most`."""
        if name := next((name for name in self.unsupported if getattr(self, name)), None):
            raise RefusedError(f"{name} is not supported; leave it out", param=name)
        if (self.n or 1) > most:
            raise RefusedError(f"n is {self.n}, and this server gives {most} answers to a prompt at most", param="n")


def _written(schema: Any, param: str) -> str:
    """A schema as text. Errors: it is nested too deeply for those who read it."""
    level = [schema]
    for _ in range(_DEEPEST_RULE):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
    if level:
        raise RefusedError(
            f"the schema is nested more than {_DEEPEST_RULE} levels deep; send a flatter one", param=param
        )
    return json.dumps(schema)


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
