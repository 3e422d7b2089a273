"""Texts of lm-eval's tasks as token ids, read as its own `hf` model reads them.

Source: lm_eval/models/huggingface.py of https://github.com/EleutherAI/lm-evaluation-harness: which token stands where
nothing else does, and when the tokenizer adds special tokens.
"""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from capotasto.base.frozen import FrozenBase
from capotasto.base.reason import reason
from capotasto.errors import BaseError, DataError


class Reader:
    """A base's tokenizer.

    first: the token that stands before a text of its own: beginning-of-text, or where there is none, end-of-text
    """

    def __init__(self, base: FrozenBase):
        self._base, self._tokenizer = base, base.tokenizer
        bos, eos = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        if bos is None and eos is None:
            raise BaseError(f"the tokenizer of {base.name} has neither a first nor a last token; choose another base")
        self.first = int(eos if bos is None else bos)
        self._first_text = str(self._tokenizer.decode([self.first]))

    def ids(self, text: str, special: bool | None = None) -> list[int]:
        """special: add what the tokenizer puts around a text; None: unless it stands there already."""
        wanted = not text.startswith(self._first_text) if special is None else special
        return list(self._tokenizer.encode(text, add_special_tokens=wanted))

    def ends(self, stops: Sequence[str]) -> list[int]:
        """Ids that end an answer: the tokenizer's and the model's own, and `stops` that are one special token."""
        own = getattr(getattr(self._base.model, "generation_config", None), "eos_token_id", None)
        found = {self._tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])}
        special = dict(zip(self._tokenizer.all_special_tokens, self._tokenizer.all_special_ids, strict=True))
        return sorted({one for one in found if one is not None} | {special[stop] for stop in stops if stop in special})

    def dialogue(self, turns: Sequence[dict[str, Any]], open_answer: bool) -> str:
        """The turns in the base's chat template; one that takes no system turn gets none.

        open_answer: an answer follows; else the last turn goes on
        Errors: a base without a template, turns that it does not take.
        """
        if not self._base.chat:
            raise BaseError(f"{self._base.name} has no chat template; leave --apply_chat_template out")
        try:
            return self._rendered(turns, open_answer)
        except TemplateError:
            return self._without_system(turns, open_answer)

    def _without_system(self, turns: Sequence[dict[str, Any]], open_answer: bool) -> str:
        try:
            return self._rendered([turn for turn in turns if turn["role"] != "system"], open_answer)
        except TemplateError as error:
            raise DataError(
                f"the chat template of {self._base.name} refuses a task's turns ({reason(error)});"
                " leave --apply_chat_template out"
            ) from None

    def _rendered(self, turns: Sequence[dict[str, Any]], open_answer: bool) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                list(turns),
                tokenize=False,
                add_generation_prompt=open_answer,
                continue_final_message=not open_answer,
            )
        )
