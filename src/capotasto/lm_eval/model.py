"""A base, with an adapter or without, as a model of lm-eval: its three kinds of requests, answered.

Source: lm_eval/api/model.py of https://github.com/EleutherAI/lm-evaluation-harness says what each request means.
"""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import torch

from capotasto.errors import AdapterError, BaseError, DataError
from capotasto.evaluate.continuations import Chance, Question, chances
from capotasto.evaluate.questions import written
from capotasto.lm_eval.settings import BATCH_TOKENS, ModelSettings
from capotasto.lm_eval.text import Reader
from capotasto.lm_eval.wishes import alike, settings_of, stops_of
from capotasto.methods.adapter import Adapter
from capotasto.session import DEFAULT_BASE, Base, load_adapter, load_base
from capotasto.types import Encoded

_UNLIMITED = 2048  # tokens of a row on a base that sets no limit, as in lm-eval's `hf`
_UNASKED = "cuda:0"  # the device that lm-eval's command names where nobody asked for one


class Model:
    """What `capotasto.lm_eval.registered.CapotastoLM` makes a model of lm-eval from.

    max_length: tokens of a row at most, virtual ones apart
    """

    cache_hook: Any  # lm-eval's, for --use_cache
    backend = "causal"

    def __init__(
        self,
        base: Base,
        adapter: Adapter | None = None,
        batch_tokens: int = BATCH_TOKENS,
        max_length: int | None = None,
    ):
        super().__init__()
        _check(base, adapter)
        self.base, self.adapter, self.tokenizer = base, adapter, base.tokenizer
        room = (base.context or _UNLIMITED) - (0 if adapter is None else adapter.tokens)
        self.max_length = min(room, max_length or room)
        self._device = base.device
        self._batch_tokens = batch_tokens
        self._reader, self._renderer = Reader(base), base.renderer(adapter)

    @classmethod
    def create_from_arg_obj(cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None) -> Self:
        """From lm-eval's `--model_args`, and what its other options say of a model."""
        beside = {name: value for name, value in (additional_config or {}).items() if value is not None}
        if str(beside.pop("batch_size", 1)) not in ("1", "auto") or beside.pop("max_batch_size", None):
            warnings.warn("--batch_size acts on nothing: set batch_tokens in --model_args", stacklevel=1)
        if beside.get("device") == _UNASKED and not torch.cuda.is_available():
            del beside["device"]
        settings = ModelSettings.build({**beside, **arg_dict}, "--model_args")
        base = load_base(settings.base or DEFAULT_BASE, settings.dtype, settings.device, settings.trust_remote_code)
        adapter = None if settings.adapter is None else load_adapter(settings.adapter, base)
        return cls(base, adapter, settings.batch_tokens, settings.max_length)

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: dict[str, Any] | None = None) -> Self:
        """The same from `key=value,key=value`."""
        from lm_eval.utils import simple_parse_args_string

        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """The token that stands before a text of its own."""
        return self._reader.first

    @property
    def tokenizer_name(self) -> str:
        """Names the cache of requests that hold rendered dialogues."""
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Token ids of a text, for lm-eval's own splitting of contexts and continuations."""
        return self._reader.ids(string, add_special_tokens)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """A dialogue as text."""
        return self._reader.dialogue(chat_history, add_generation_prompt)

    def get_model_info(self) -> dict[str, Any]:
        """What lm-eval writes beside its results."""
        return {
            "base": self.base.name,
            "base_fingerprint": self.base.fingerprint,
            "adapter": None if self.adapter is None else self.adapter.name,
            "adapter_method": None if self.adapter is None else self.adapter.method,
            "model_dtype": str(self.base.dtype),
        }

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False, **_: Any
    ) -> list[tuple[float, bool]]:
        """How likely the last ids of each request are behind the first ones. What does not fit is cut on the left."""
        questions = [self._question(before, behind) for _, before, behind in requests]
        found = [Chance(0.0, True)] * len(requests)
        with _progress("scoring", len(requests), disable_tqdm) as bar:
            for batch in chances(self.base, self._renderer, questions, self.adapter, self._batch_tokens):
                for i, answer in batch:
                    found[i] = answer
                    if (key := requests[i][0]) is not None:
                        self.cache_hook.add_partial("loglikelihood", key, (answer.nats, answer.likeliest))
                bar.update(len(batch))
        return [(answer.nats, answer.likeliest) for answer in found]

    def _question(self, before: list[int], behind: list[int]) -> Question:
        if len(behind) > self.max_length:
            raise DataError(
                f"a continuation has {len(behind)} tokens, and a row may have {self.max_length}; leave its task out, or"
                " take a base with a longer context"
            )
        most = self.max_length + 1 - len(behind)
        return Question(tuple(before[-most:] or [self.prefix_token_id]), tuple(behind))

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """How likely each text is as a whole, in windows of `max_length` tokens, of which each sees all it can."""
        from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

        windows, owners = [], []
        for i, request in enumerate(requests):
            ids = self.tok_encode(request.args[0])
            for window in get_rolling_token_windows(ids, self.prefix_token_id, self.max_length, context_len=1):
                windows.append((None, *make_disjoint_window(window)))
                owners.append(i)
        found = [0.0] * len(requests)
        for i, (nats, _) in zip(owners, self._loglikelihood_tokens(windows, disable_tqdm), strict=True):
            found[i] += nats
        for request, nats in zip(requests, found, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, nats)
        return found

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """What is written to each request, with the settings of its task."""
        found = [""] * len(requests)
        with _progress("writing", len(requests), disable_tqdm) as bar:
            for wish, again, mine in alike([request.args for request in requests]):
                settings, stops = settings_of(wish, again), stops_of(wish)
                prompts = [self._prompt(requests[i].args[0], settings.max_new_tokens) for i in mine]
                carried, ends = [self.adapter] * len(mine), self._reader.ends(stops)
                for batch, texts in written(self.base, prompts, carried, settings, ends, stops, self._batch_tokens):
                    for place, text in zip(batch, texts, strict=True):
                        found[mine[place]] = text
                        self.cache_hook.add_partial("generate_until", requests[mine[place]].args, text)
                    bar.update(len(batch))
        return found

    def _prompt(self, text: str, new_tokens: int) -> Encoded:
        """The end of the text that leaves room for so many new tokens."""
        room = self.max_length - new_tokens
        if room < 1:
            raise DataError(
                f"a task wants {new_tokens} new tokens, and a row may have {self.max_length} in all; lower them with"
                " --gen_kwargs max_gen_toks=N"
            )
        row = self._renderer.given(self.tok_encode(text)[-room:] or [self.prefix_token_id])
        return Encoded(row.ids, row.learn, row.slot)  # an answer is a text of its own, as in lm-eval's `hf`


def _check(base: Base, adapter: Adapter | None) -> None:
    """Errors: what can neither score nor write a plain text."""
    if base.is_encoder:
        raise BaseError(f"{base.name} is an encoder and writes nothing; choose a decoder base, such as {DEFAULT_BASE}")
    if adapter is not None and adapter.head() is not None:
        raise AdapterError(
            f"adapter {adapter.name!r} answers with a head, which lm-eval's tasks do not ask; judge it with `capo eval`"
        )
    if adapter is not None and adapter.placement == "system":
        raise AdapterError(
            f"adapter {adapter.name!r} stands in the system turn of a dialogue, and lm-eval's tasks are plain texts;"
            " train one with --placement front"
        )


def _progress(what: str, total: int, quiet: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=total, desc=what, disable=quiet)
