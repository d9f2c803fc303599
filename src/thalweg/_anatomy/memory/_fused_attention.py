"""Attention as the CPU's kernel runs it: no score is kept."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

ORIGINAL = F.scaled_dot_product_attention


class FusedAttention(TorchFunctionMode):
    """Lets `scaled_dot_product_attention` run by one kernel where a CPU would.

    Without numbers torch takes it apart, and so keeps the scores, queries × keys for each head,
    for the backward pass; the kernel keeps one number per query (Dao et al., 2022).
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is ORIGINAL:
            return _attended(*args, **kwargs)
        if func is F.multi_head_attention_forward:
            # Inside it no mode is asked, and the function is looked up by its name.
            F.scaled_dot_product_attention = _attended
            try:
                return func(*args, **kwargs)
            finally:
                F.scaled_dot_product_attention = ORIGINAL
        return func(*args, **kwargs)


def _attended(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **options: Any,
) -> Tensor:
    # torch's own conditions for this kernel (sdp_utils_cpp.cpp).
    is_fused = (
        query.is_meta  # What another thread computes meanwhile is its own.
        and torch.backends.cuda.flash_sdp_enabled()
        and dropout_p == 0.0
        and query.ndim == 4
        and query.shape[-1] == key.shape[-1] == value.shape[-1]
        and not (attn_mask is not None and attn_mask.requires_grad)
    )
    if not is_fused:
        return ORIGINAL(query, key, value, attn_mask, dropout_p, is_causal, **options)
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        # The kernel adds its mask to the scores.
        attn_mask = torch.empty_like(attn_mask, dtype=query.dtype)
    found, _ = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=options.get("scale")
    )
    return found
