"""Soft prompts: P virtual tokens before the input, whatever they are made of while they are trained."""

from abc import abstractmethod
from typing import Any, Self

import torch
from torch import Tensor
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.methods.adapter import Adapter
from capotasto.methods.angular import angular
from capotasto.methods.initial import embedding_rms, initial, usual_length
from capotasto.methods.settings import MethodSettings

LONGEST = 1e4  # a virtual token longer than so many times the vocabulary's median is no honest adapter
KEY = "prompt_embeddings"


class SoftPrompt(Adapter):
    """Virtual tokens, kept in fp32 or wider whatever the base's dtype and saved folded into plain vectors.

    vectors: [P, E] the vectors to start from
    """

    begins = "text, labels, vocab, examples, random, peft-random or from:DIR"
    initial: Tensor

    def __init__(self, vectors: Tensor, **facts: Any):
        super().__init__(**facts)
        self.register_buffer("initial", _wide(vectors), persistent=False)

    @abstractmethod
    @override
    def embeds(self) -> Tensor:
        """[P, E]."""

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        ids = facts.pop("ids", ())
        vectors, start = initial(base, settings.init or "vocab", settings.tokens, labels, seed, ids)
        start = {**start, "seed": seed, **facts.pop("start", {})}
        made = cls._over(vectors, settings, seed, placement=settings.placement, start=start, **facts)
        return made.to(base.device)

    @classmethod
    def _over(cls, vectors: Tensor, settings: MethodSettings, seed: int, **facts: Any) -> Self:
        """An untrained one whose virtual tokens are `vectors` [P, E]."""
        return cls(vectors, **facts)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        rms = embedding_rms(base)
        return angular(rms), f"{angular(rms) / rms:.2g} × the embedding's root mean square ({rms:.3g})"

    @override
    def tensors(self) -> dict[str, Tensor]:
        return {KEY: self.embeds().detach()}

    @override
    def config(self, base: FrozenBase) -> dict[str, Any] | None:
        """The keys PEFT 0.18 to 0.21 reads (https://huggingface.co/docs/peft/package_reference/prompt_tuning).

        A prompt that does not stand at the front gets none: PEFT would put it there and give other answers.
        """
        if self.placement != "front":
            return None
        return {
            "peft_type": "PROMPT_TUNING",
            "task_type": base.task_type,
            "base_model_name_or_path": str(base.folder or base.name),
            "revision": None,
            "inference_mode": True,
            "num_virtual_tokens": self.tokens,
            "token_dim": base.embedding_size,
            "num_transformer_submodules": 1,
            "num_attention_heads": base.config.num_attention_heads,
            "num_layers": base.layers,
            "prompt_tuning_init": "RANDOM",
            "prompt_tuning_init_text": None,
            "tokenizer_name_or_path": None,
        }

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        return cls(vectors_of(tensors, base, where), **facts)


def vectors_of(tensors: dict[str, Tensor], base: FrozenBase, where: str) -> Tensor:
    """[P, E]. Errors: no vectors, vectors of another width, not finite, or so long that they cannot be honest."""
    if KEY not in tensors:
        found = ", ".join(tensors) or "nothing"
        raise AdapterError(f"{where} holds {found}, which is no soft prompt; name the folder that `capo tune` wrote")
    vectors = tensors[KEY]
    if vectors.ndim != 2 or vectors.shape[1] != base.embedding_size or not len(vectors):
        shape = "×".join(str(size) for size in vectors.shape)
        raise AdapterError(
            f"{where} holds vectors of shape {shape}, and {base.name} takes vectors {base.embedding_size} wide;"
            " choose the base it was made for"
        )
    if not bool(torch.isfinite(vectors).all()):
        raise AdapterError(f"{where} holds numbers that are not finite; train it again, or take it from its source")
    usual = usual_length(base)
    longest = float(vectors.float().norm(dim=1).max())
    if longest > LONGEST * usual:
        raise AdapterError(
            f"{where} holds a virtual token {longest / usual:.0f} times as long as the vocabulary's: it is refused;"
            " train it again with a lower learning rate"
        )
    return vectors


def _wide(vectors: Tensor) -> Tensor:
    return vectors.detach().to(torch.promote_types(vectors.dtype, torch.float32)).clone()
