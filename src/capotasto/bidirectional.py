"""Attention of an encoder over a flat batch: every position sees the whole of its own row, and nothing of another."""

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from capotasto.attention import Form, TreeView


class BidirectionalView(TreeView):
    """Whole rows, gathered side by side; padding is masked, because here every real position looks to the right too.

    The layout must share nothing between rows but ghosts.
    """

    @override
    def _mask(self) -> Tensor:
        """[B, 1, 1, S]."""
        seen = self.layout.seen
        places = torch.arange(seen.gather.shape[1], device=seen.lengths.device)
        return (places < seen.lengths[:, None])[:, None, None, :]

    @override
    def _weighted(self, query: Tensor, key: Tensor, value: Tensor, form: Form) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=self._seen, scale=form.scale)
