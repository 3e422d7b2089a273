"""Answers that follow a JSON schema or a regular expression: which tokens an answer may go on with.

The grammars are those of llguidance (https://github.com/guidance-ai/llguidance), an extra that is imported when the
first of them is asked for.
"""

import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.base.reason import reason
from capotasto.errors import DataError, SettingError

_COMPACT = {"whitespace_flexible": False}  # a small model may write blanks for ever where any number is allowed


class Constraints:
    """Makes constraints for one base. What they need of its vocabulary is worked out once; not for several threads.

    ends: token ids that end an answer
    """

    def __init__(self, base: FrozenBase, ends: Sequence[int]):
        try:
            self._library: Any = import_module("llguidance")
            make = import_module("llguidance.hf").from_tokenizer
        except ImportError:
            raise SettingError(
                "answers that follow a schema or a pattern need llguidance; pip install 'capotasto[serve]'"
            ) from None
        try:
            self._tokenizer = make(base.tokenizer, n_vocab=base.vocabulary_size, eos_token=list(ends))
        except ValueError as error:
            raise DataError(
                f"the tokenizer of {base.name} cannot follow a schema or a pattern ({reason(error)}); leave it out"
            ) from None
        self._size = base.vocabulary_size

    def of(self, schema: str | None, pattern: str | None) -> "GrammarConstraint":
        """What an answer must follow: a JSON schema, or a regular expression for the whole of it.

        Errors: one that is not valid, or both.
        """
        if schema is not None and pattern is not None:
            raise DataError("a schema and a pattern cannot both be followed; give one of them")
        make = self._library.LLMatcher
        if schema is not None:
            _check_json(schema)
            grammar, kind = make.grammar_from_json_schema(schema, overrides=_COMPACT), "JSON schema"
        else:
            grammar, kind = make.grammar_from_regex(pattern), "pattern"
        if wrong := make.validate_grammar(grammar, self._tokenizer):
            raise DataError(f"the {kind} cannot be followed: {_first_line(wrong)}; change it")
        return GrammarConstraint(make(self._tokenizer, grammar, log_level=0), self._size)


class GrammarConstraint:
    """One answer on its way through a grammar. See `decoding.row.Constraint`."""

    def __init__(self, matcher: Any, size: int):
        self._matcher, self._size = matcher, size

    def allowed(self) -> Tensor:
        """[V] booleans. Errors: the grammar has become too large."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        return torch.from_numpy(np.unpackbits(bits, count=self._size, bitorder="little").astype(bool))

    def take(self, token: int) -> None:
        """Errors: the answer must not go on like this."""
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise DataError(_first_line(self._matcher.get_error()))


def _check_json(schema: str) -> None:
    try:
        json.loads(schema)
    except ValueError as error:
        raise DataError(f"the JSON schema is not valid JSON ({error}); correct it") from None


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason is given"
