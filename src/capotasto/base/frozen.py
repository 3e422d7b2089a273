"""The frozen model that every adapter shares, with its tokenizer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from capotasto.base.encoders import first_position, is_encoder
from capotasto.base.fingerprint import fingerprint_of_parts

# The names under which architectures keep the longest sequence they can read.
_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "seq_length")


@dataclass(frozen=True, eq=False)
class FrozenBase:
    """A language model in evaluation mode, without gradients, and what is known about it.

    model:       maps ids [B, T] or embeddings [B, T, H] to logits [B, T, V]; an encoder, to states [B, T, H]
    folder:      the Hugging Face folder it was read from; None for a model built in memory
    name:        the base as the user named it
    source:      a sentence that says where the weights came from
    fingerprint: 64 hexadecimal digits; an adapter is refused by any other base
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    folder: Path | None
    name: str
    source: str
    fingerprint: str
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def from_parts(
        cls,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        folder: Path | None = None,
        name: str = "memory",
    ) -> Self:
        """A base from a model in memory; its fingerprint is taken from the tensors."""
        freeze(model)
        return cls(
            model=model,
            tokenizer=tokenizer,
            folder=folder,
            name=name,
            source="a model in memory",
            fingerprint=fingerprint_of_parts(model, tokenizer),
            dtype=model.dtype,
            device=model.device,
        )

    @property
    def config(self) -> Any:
        """The configuration of the text model."""
        return self.model.config.get_text_config()

    @property
    def is_encoder(self) -> bool:
        """True where tokens see the whole of their row and nothing can be written."""
        return is_encoder(self.config)

    @property
    def first_position(self) -> int:
        """The position of a row's first token."""
        return first_position(self.config)

    @property
    def task_type(self) -> str:
        """What PEFT calls this kind of model."""
        return "FEATURE_EXTRACTION" if self.is_encoder else "CAUSAL_LM"

    @property
    def embedding(self) -> torch.nn.Embedding:
        """The input embedding: ids [B, T] to [B, T, H]. Some architectures scale its output (Gemma)."""
        return cast(torch.nn.Embedding, self.model.get_input_embeddings())

    @property
    def _embedding_shape(self) -> torch.Size:
        weight = self.embedding.weight
        assert isinstance(weight, torch.Tensor)
        return weight.shape  # [V, H]

    @property
    def embedding_size(self) -> int:
        """H of the input embeddings; not always the hidden size (opt-350m projects 512 to 1,024)."""
        return self._embedding_shape[1]

    @property
    def vocabulary_size(self) -> int:
        """V, the rows of the embedding; often a few more than the tokenizer knows."""
        return self._embedding_shape[0]

    @property
    def layers(self) -> int:
        """L, the number of transformer layers."""
        return int(self.config.num_hidden_layers)

    @property
    def kv_heads(self) -> int:
        """K, the heads that have keys and values of their own."""
        return int(getattr(self.config, "num_key_value_heads", None) or self.config.num_attention_heads)

    @property
    def head_size(self) -> int:
        """D, the width of a head."""
        return int(getattr(self.config, "head_dim", None) or self.config.hidden_size // self.config.num_attention_heads)

    @property
    def context(self) -> int | None:
        """The longest sequence in tokens, or None where the architecture sets no limit (BLOOM)."""
        found = (getattr(self.config, key, None) for key in _CONTEXT_KEYS)
        return next((int(value) - self.first_position for value in found if value), None)

    @property
    def chat(self) -> bool:
        """True where the tokenizer has a chat template."""
        return bool(self.tokenizer.chat_template)


def freeze(model: PreTrainedModel) -> None:
    """No gradients, and evaluation mode, so that no dropout acts."""
    model.eval()
    model.requires_grad_(False)
