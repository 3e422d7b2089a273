"""Attention of an encoder over a flat batch: every position sees the whole of its own row, and nothing of another."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from capotasto.attention import Form, TreeView
from capotasto.gates import Gate
from capotasto.layout import Layout


class BidirectionalView(TreeView):
    """Whole rows, gathered side by side; padding is masked, because here every real position looks to the right too.

    The layout must share nothing between rows but ghosts.
    """

    def __init__(self, layout: Layout, ghosts: Sequence[Tensor] = (), gates: Sequence[Gate] = (), keep: bool = False):
        super().__init__(layout, ghosts, gates, keep)
        places = torch.arange(layout.gather.shape[1], device=layout.lengths.device)
        self._seen = (places < layout.lengths[:, None])[:, None, None, :]  # [B, 1, 1, S]

    @override
    def _weighted(self, query: Tensor, key: Tensor, value: Tensor, form: Form) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=self._seen, scale=form.scale)
