"""Prompt tuning: P virtual tokens before the input, all else frozen.

Source: Lester, Al-Rfou and Constant 2021, The Power of Scale for Parameter-Efficient Prompt Tuning,
https://arxiv.org/abs/2104.08691, section 2.
"""

from typing import Any

from torch import Tensor, nn
from typing_extensions import override

from capotasto.methods.soft import SoftPrompt


class PromptAdapter(SoftPrompt):
    """A soft prompt whose vectors are learned as they are."""

    method = "prompt"

    def __init__(self, vectors: Tensor, **facts: Any):
        super().__init__(vectors, **facts)
        self.prompt_embeddings = nn.Parameter(self.initial.clone())

    @override
    def embeds(self) -> Tensor:
        """[P, E]: the learned vectors themselves."""
        return self.prompt_embeddings
