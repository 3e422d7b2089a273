"""Writing text: cache, sampling and stopping, on top of `forward`."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from pydantic import Field
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.config import Settings
from capotasto.errors import BaseError, DataError
from capotasto.methods.adapter import Adapter
from capotasto.packed import packed
from capotasto.types import Encoded

WORTH_PACKING = 16  # new tokens from which on packing the weights takes less time than it saves


class GenerateSettings(Settings):
    """How text is written."""

    max_new_tokens: int = Field(50, ge=1, description="tokens to write at most")
    temperature: float = Field(0.0, ge=0, description="0 takes the likeliest token; higher is more varied")
    top_p: float = Field(1.0, gt=0, le=1, description="sample among the likeliest tokens that hold this probability")
    top_k: int = Field(0, ge=0, description="sample among so many likeliest tokens; 0 sets no limit")
    repetition_penalty: float = Field(1.0, gt=0, description="above 1, tokens already there become less likely")
    presence_penalty: float = Field(0.0, ge=-2, le=2, description="taken from the logits of tokens already written")
    frequency_penalty: float = Field(0.0, ge=-2, le=2, description="the same for each time they were written")
    ignore_end: bool = Field(False, description="write the end token like any other, up to --max-new-tokens")
    seed: int = Field(0, ge=0, description="seed of the sampling")


class _Cache:
    """Keys and values of B rows, with room for the tokens to come."""

    def __init__(self, kept: dict[int, tuple[Tensor, Tensor]], lengths: Tensor, room: int):
        self.lengths = lengths
        width = int(lengths.max()) + room
        self.layers = {layer: (_widen(key, width), _widen(value, width)) for layer, (key, value) in kept.items()}

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""
        self.lengths = self.lengths[rows]
        self.layers = {layer: (key[rows], value[rows]) for layer, (key, value) in self.layers.items()}


def _widen(tensor: Tensor, width: int) -> Tensor:
    """[B, K, S, D] → [B, K, width, D]; zeros behind, because masked values still enter a product with 0."""
    wide = tensor.new_zeros(*tensor.shape[:2], width, tensor.shape[3])
    wide[:, :, : tensor.shape[2]] = tensor
    return wide


@torch.no_grad()
def stream(
    base: FrozenBase,
    prompts: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    settings: GenerateSettings,
    stops: Sequence[int] = (),
) -> Iterator[dict[int, int]]:
    """Continue each prompt in one mixed batch; every step yields the new token of each row still going.

    prompts:  B rows; row i carries `adapters[i]`
    stops:    token ids that end a row (yielded too)
    Each row samples from its own random numbers, seeded by `settings.seed` alone, so that its neighbours do not matter.
    """
    _check_room(base, prompts, adapters, settings)
    stops = () if settings.ignore_end else stops
    with packed(forward.model_of(base, adapters)) if settings.max_new_tokens >= WORTH_PACKING else nullcontext():
        hidden = forward.run(base, prompts, adapters, keep=True)
        cache = _Cache(hidden.cache or {}, hidden.layout.lengths.clone(), settings.max_new_tokens)
        states = hidden.states[hidden.last()]  # [B, H]
        sampler = _Sampler(prompts, settings, base.device)
        yield from _steps(base, states, cache, sampler, adapters, settings.max_new_tokens, stops)


def _steps(
    base: FrozenBase,
    states: Tensor,
    cache: _Cache,
    sampler: "_Sampler",
    adapters: Sequence[Adapter | None],
    most: int,
    stops: Sequence[int],
) -> Iterator[dict[int, int]]:
    """Token after token, from the last states [B, H] of the prompts on; rows that stopped leave the batch."""
    rows = list(range(len(states)))
    for left in range(most, 0, -1):
        tokens = sampler.choose(rows, forward.logits(base, states, adapters))
        yield dict(zip(rows, tokens.tolist(), strict=True))
        going = [i for i, token in enumerate(tokens.tolist()) if token not in stops]
        if not going or left == 1:
            return
        if len(going) < len(rows):
            index = torch.tensor(going, device=base.device)
            cache.keep(index)
            tokens, rows = tokens[index], [rows[i] for i in going]
        states = forward.step(base, tokens, cache.layers, cache.lengths, [adapters[row] for row in rows])
        cache.lengths = cache.lengths + 1


def generate(
    base: FrozenBase,
    prompts: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    settings: GenerateSettings,
    stops: Sequence[int] = (),
) -> list[list[int]]:
    """All of `stream`: for each row its new token ids, without the stop."""
    written: list[list[int]] = [[] for _ in prompts]
    for tokens in stream(base, prompts, adapters, settings, stops):
        for row, token in tokens.items():
            if token not in stops:
                written[row].append(token)
    return written


class _Sampler:
    """Chooses each row's next token by the settings."""

    def __init__(self, prompts: Sequence[Encoded], settings: GenerateSettings, device: torch.device):
        self.settings = settings
        self.random = [torch.Generator().manual_seed(settings.seed) for _ in prompts]
        self.written: list[list[int]] = [[] for _ in prompts]
        self.seen = [torch.tensor(sorted(set(row.ids)), dtype=torch.long, device=device) for row in prompts]

    def choose(self, rows: Sequence[int], logits: Tensor) -> Tensor:
        """[B, V] logits of `rows` → [B] token ids."""
        if self.settings.repetition_penalty != 1:
            logits = self._penalised(rows, logits)
        if self.settings.presence_penalty or self.settings.frequency_penalty:
            logits = self._counted(rows, logits)
        if self.settings.temperature == 0:
            tokens = logits.argmax(-1)
        else:
            tokens = torch.stack([self._sample(row, line) for row, line in zip(rows, logits, strict=True)])
        if self.settings.repetition_penalty != 1:
            for row, token in zip(rows, tokens, strict=True):
                self.seen[row] = torch.cat([self.seen[row], token[None]])
        for row, token in zip(rows, tokens.tolist(), strict=True):
            self.written[row].append(token)
        return tokens

    def _counted(self, rows: Sequence[int], logits: Tensor) -> Tensor:
        """Written tokens lose, once and for each time
        (https://platform.openai.com/docs/api-reference/chat/create, frequency_penalty and presence_penalty)."""
        counts = torch.zeros_like(logits)
        for i, row in enumerate(rows):
            written = torch.tensor(self.written[row], dtype=torch.long, device=logits.device)
            counts[i].index_add_(0, written, torch.ones_like(written, dtype=logits.dtype))
        return logits - self.settings.frequency_penalty * counts - self.settings.presence_penalty * (counts > 0)

    def _penalised(self, rows: Sequence[int], logits: Tensor) -> Tensor:
        """Tokens that stand in the row lose (CTRL, https://arxiv.org/abs/1909.05858 section 4.1)."""
        logits = logits.clone()
        for i, row in enumerate(rows):
            old = logits[i, self.seen[row]]
            penalty = self.settings.repetition_penalty
            logits[i, self.seen[row]] = torch.where(old > 0, old / penalty, old * penalty)
        return logits

    def _sample(self, row: int, logits: Tensor) -> Tensor:
        """[V] logits → one token id from the nucleus (https://arxiv.org/abs/1904.09751 section 3.1)."""
        ordered, ids = (logits / self.settings.temperature).softmax(-1).sort(descending=True)
        inside = ordered.cumsum(-1) - ordered < self.settings.top_p
        if self.settings.top_k:
            inside[self.settings.top_k :] = False
        chances = (ordered * inside).cpu()
        return ids[torch.multinomial(chances, 1, generator=self.random[row]).to(ids.device)][0]


def _check_room(
    base: FrozenBase, prompts: Sequence[Encoded], adapters: Sequence[Adapter | None], settings: GenerateSettings
) -> None:
    if base.is_encoder:
        raise BaseError(f"{base.name} is an encoder and writes nothing; choose a decoder base, such as smollm2-135m")
    for i, (row, adapter) in enumerate(zip(prompts, adapters, strict=True)):
        virtual = adapter.tokens if adapter is not None else 0
        if not row.ids and (adapter is None or adapter.embeds() is None):
            raise DataError(f"prompt {i + 1} is empty; write something to be continued")
        if base.context is not None and len(row.ids) + virtual + settings.max_new_tokens > base.context:
            raise DataError(
                f"prompt {i + 1} has {len(row.ids)} tokens and {virtual} virtual ones: with {settings.max_new_tokens}"
                f" new ones it does not fit the context of {base.context}; shorten it or lower --max-new-tokens"
            )
