"""A base as the user meets it: one frozen model in memory, its adapters by name, and the verbs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from capotasto import artifact, forward
from capotasto.architectures import prepare
from capotasto.base import load_frozen
from capotasto.base.frozen import FrozenBase
from capotasto.base.reason import reason
from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import AdapterError, BaseError, DataError, nearest
from capotasto.evaluate.heads import answer, in_words
from capotasto.evaluate.questions import score, write
from capotasto.methods.adapter import Adapter
from capotasto.methods.prompt import PromptAdapter
from capotasto.methods.settings import MethodSettings
from capotasto.objectives.heads import encode as encode_for_head
from capotasto.objectives.heads import head_of
from capotasto.tokens.encoder import renderer_of
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example, Turn

Chosen = Sequence[Adapter | str | None] | None  # an adapter for each row: itself, its name, or None for the bare base
DEFAULT_BASE = "smollm2-135m"
_UNLIMITED = 1 << 20  # tokens of a row on a base without a limit (BLOOM)


@dataclass(frozen=True, eq=False)
class Base(FrozenBase):
    """A frozen base with the adapters that are resident on it, by name."""

    adapters: dict[str, Adapter] = field(default_factory=dict)

    @classmethod
    def over(cls, frozen: FrozenBase) -> "Base":
        """The base as our forward path runs it. Errors: an architecture for which that path is not exact."""
        own = _own_outputs(frozen)
        prepare(frozen.model)
        _admit(frozen, own)
        return cls(**{f.name: getattr(frozen, f.name) for f in fields(FrozenBase)})

    def renderer(self, adapter: Adapter | None = None, max_length: int | None = None) -> Renderer:
        """How rows of this adapter become token ids."""
        if adapter is None:
            return renderer_of(self, "front", max_length or self.context or _UNLIMITED)
        room = (self.context or _UNLIMITED) - adapter.tokens
        return renderer_of(self, adapter.placement, max_length or room)

    def generate(
        self,
        prompts: Sequence[str],
        adapters: Chosen = None,
        chat: bool | None = None,
        stop: Sequence[str] = (),
        **settings: Any,
    ) -> list[str]:
        """Continue or answer each prompt in one mixed batch; row i carries `adapters[i]`.

        chat: True puts the prompt into the chat template, False takes it as plain text; None does what the row's
              adapter was trained on (the bare base: its template, if it has one)
        stop: an answer ends before the first of these texts
        settings: see `GenerateSettings` (max_new_tokens, temperature, top_p, repetition_penalty, seed, …)
        """
        chosen = self._chosen(adapters, len(prompts))
        rows = [self._prompt(text, adapter, chat) for text, adapter in zip(prompts, chosen, strict=True)]
        return write(self, self.renderer(), rows, chosen, GenerateSettings.build(settings, "generate"), stop)

    def classify(
        self, texts: Sequence[str], adapter: Adapter | str, chat: bool | None = None
    ) -> list[dict[str, float]] | list[float]:
        """What the adapter's head says of each text: {label: probability}, or the number it tells.

        A head of several numbers gives {column: number}. chat: as in `generate`. Errors: an adapter without a head.
        """
        chosen, said = self._said(texts, adapter, chat)
        names, head = chosen.classes() or [], head_of(chosen)
        if head is not None and head.objective == "regress" and len(names) == 1:
            return [float(row[0]) for row in said]
        return [dict(zip(names, row.tolist(), strict=True)) for row in said]

    def label(self, texts: Sequence[str], adapter: Adapter | str, chat: bool | None = None) -> list[str]:
        """The same as one would write it: the likeliest label, all that fit, or the number."""
        return in_words(*self._said(texts, adapter, chat))

    def _said(self, texts: Sequence[str], adapter: Adapter | str, chat: bool | None) -> tuple[Adapter, np.ndarray]:
        """The adapter, and [N, C] what its head says of each text."""
        chosen = self._adapter(adapter)
        if chosen is None or chosen.head() is None:
            name = adapter if chosen is None else chosen.name
            raise AdapterError(f"adapter {name!r} writes text and has no head to classify with; use generate")
        return chosen, answer(self, [self._prompt(text, chosen, chat) for text in texts], chosen)

    def loss(self, examples: Sequence[str | Example], adapters: Chosen = None) -> list[tuple[float, int]]:
        """For each example (loss sum in nats, supervised tokens). A plain string is text, learnt as a whole.

        A row whose adapter has a head is classified: (nats of its label, 1). Errors: it has no label the head knows.
        """
        chosen = self._chosen(adapters, len(examples))
        rows = [self.encode(example, adapter) for example, adapter in zip(examples, chosen, strict=True)]
        sums, counts = score(self, rows, chosen)
        return [(float(total), int(count)) for total, count in zip(sums, counts, strict=True)]

    def encode(self, example: str | Example, adapter: Adapter | None = None, max_length: int | None = None) -> Encoded:
        """Token ids and loss mask of one example, as this adapter sees them; with its class where that has a head.

        Errors: an adapter with a head, and an example without a label that the head knows.
        """
        if isinstance(example, str):
            example = Example((Turn("text", example, learn=True),), place="the text")
        renderer, head = self.renderer(adapter, max_length), head_of(adapter)
        if adapter is None or head is None:
            return renderer.encode(example)
        _check_answer(example, head.objective, adapter.classes() or [])
        return encode_for_head(renderer, example, adapter)

    def turn(self, text: str, adapter: Adapter | None = None, chat: bool | None = None) -> Turn:
        """The text as this adapter expects it: a question, or plain text. chat: as in `generate`."""
        known = adapter.dialogue if adapter is not None else None
        wanted = chat if chat is not None else (self.chat if known is None else known)
        return Turn("user" if wanted else "text", text)

    def _prompt(self, text: str, adapter: Adapter | None, chat: bool | None) -> Encoded:
        return self.renderer(adapter).prompt([self.turn(text, adapter, chat)])

    def _chosen(self, adapters: Chosen, rows: int) -> list[Adapter | None]:
        """The adapter of each row; an unknown name is an error, never the adapter used last."""
        if adapters is None:
            return [None] * rows
        if len(adapters) != rows:
            raise AdapterError(f"{rows} rows and {len(adapters)} adapters: name one for each row, None for the base")
        return [self._adapter(one) for one in adapters]

    def _adapter(self, one: Adapter | str | None) -> Adapter | None:
        if isinstance(one, str):
            if one not in self.adapters:
                raise AdapterError(f"no adapter {one!r} on this base; {nearest(one, self.adapters)}")
            return self.adapters[one]
        if one is not None and one.fingerprint != self.fingerprint:
            raise AdapterError(
                f"adapter {one.name!r} was made for another base ({one.fingerprint[:12]}), this is {self.name}"
                f" ({self.fingerprint[:12]}); load the base it was made for"
            )
        return one


def _check_answer(example: Example, objective: str, names: Sequence[str]) -> None:
    """Errors: an example without an answer that a head of this objective can learn or be judged by."""
    where, known = example.place or "an example", ", ".join(names)
    if objective == "classify" and example.label not in names:
        found = "no label" if example.label is None else f"the label {example.label!r}"
        raise DataError(
            f"{where} has {found}, and the head of its adapter chooses among {known}; give it one of these with"
            " Example(…, label=…)"
        )
    wanted = {"regress": ("scores", example.scores), "multilabel": ("labels", example.labels)}.get(objective)
    if wanted is not None and wanted[1] is None:
        raise DataError(
            f"{where} has no {wanted[0]} for the head of its adapter ({known}); give it Example(…, {wanted[0]}=…)"
        )


def load_base(
    spec: str = DEFAULT_BASE, dtype: str = "auto", device: str = "auto", trust_remote_code: bool = False
) -> Base:
    """Load a base: an alias, a hub id (with @revision), a folder or a .gguf file. See `capo bases`.

    dtype: auto (bf16 where the processor or GPU has it, else fp32), fp32 or bf16
    """
    return Base.over(load_frozen(spec, dtype=dtype, device=device, trust_remote_code=trust_remote_code))


def load_adapter(folder: str | Path, base: Base, name: str | None = None) -> Adapter:
    """Read an adapter (ours or one that PEFT saved) and make it resident on `base` under its name."""
    adapter = artifact.load_adapter(Path(folder), base, name)
    base.adapters[adapter.name] = adapter
    return adapter


def new_prompt(
    base: Base,
    name: str,
    tokens: int = 20,
    init: str = "vocab",
    placement: str = "front",
    labels: Sequence[str] = (),
    seed: int = 0,
) -> PromptAdapter:
    """An untrained soft prompt of `tokens` virtual tokens, resident on `base`."""
    settings = MethodSettings.build({"tokens": tokens, "init": init, "placement": placement}, "new_prompt")
    adapter = PromptAdapter.fresh(base, settings, list(labels), seed, name=name, fingerprint=base.fingerprint)
    base.adapters[name] = adapter
    return adapter


_PROBE = "The quick brown fox jumps over the lazy dog, and then it rains."


def _probe(base: FrozenBase) -> Encoded:
    ids = base.tokenizer(_PROBE, add_special_tokens=False)["input_ids"][:24]
    return Encoded(tuple(ids), (False,) * len(ids))


def _own_outputs(base: FrozenBase) -> torch.Tensor:
    """[T, V] logits, or an encoder's [T, H] states, of a sentence by the model's own code, from token ids."""
    with torch.no_grad():
        ids = torch.tensor([_probe(base).ids], device=base.device)
        out = base.model(input_ids=ids, use_cache=False)
        return (out.last_hidden_state if base.is_encoder else out.logits)[0].float()


def _admit(base: FrozenBase, own: torch.Tensor) -> None:
    """Refuse a model that computes something else from embeddings than from ids (per-layer embeddings, for one)."""
    try:
        with torch.no_grad():
            states = forward.run(base, [_probe(base)], [None]).states
            ours = (states if base.is_encoder else forward.logits(base, states)).float()
    except Exception as error:
        why = reason(error)
        raise BaseError(f"{_architecture(base)} cannot be run from embeddings ({why}); choose another base") from error
    allowed = 0.05 if base.dtype in (torch.bfloat16, torch.float16) else 1e-3
    gap = float((ours - own).abs().mean() / own.std().clamp_min(1e-6))
    if not gap < allowed:
        raise BaseError(
            f"{_architecture(base)} computes something else from embeddings than from token ids (difference {gap:.2g}"
            " of its outputs' spread): soft prompts would be silently wrong on it; choose another base"
        )


def _architecture(base: FrozenBase) -> str:
    return type(base.model).__name__
