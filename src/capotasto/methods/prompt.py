"""Prompt tuning: P virtual tokens before the input, all else frozen.

Source: Lester, Al-Rfou and Constant 2021, The Power of Scale for Parameter-Efficient Prompt Tuning,
https://arxiv.org/abs/2104.08691, section 2.
"""

from typing import Any

import torch
from torch import Tensor, nn

from capotasto.methods.adapter import Adapter


class PromptAdapter(Adapter):
    """A soft prompt. The parameter has the name PEFT gives it, so that the files are the same.

    vectors: [P, E] the vectors to start from; kept in fp32 (or wider) whatever the base's dtype
    """

    method = "prompt"
    initial: Tensor

    def __init__(self, vectors: Tensor, **facts: Any):
        super().__init__(**facts)
        wide = torch.promote_types(vectors.dtype, torch.float32)
        self.prompt_embeddings = nn.Parameter(vectors.detach().to(wide).clone())
        self.register_buffer("initial", vectors.detach().to(wide).clone(), persistent=False)

    def embeds(self) -> Tensor:
        """[P, E]: the learned vectors themselves."""
        return self.prompt_embeddings
