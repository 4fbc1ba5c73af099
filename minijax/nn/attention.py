"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import minijax.numpy as jnp
from minijax import dtypes, lax
from minijax.nn.normalizing import softmax


def dot_product_attention(query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, *,
                          scale: float | None = None, is_causal: bool = False,
                          query_seq_lengths: Any = None, key_value_seq_lengths: Any = None,
                          local_window_size: int | tuple[int, int] | None = None) -> Any:
    """Averages of `value`, weighted by softmax(query key^T / sqrt(H)) (Vaswani et al., 2017).

    >>> import minijax as jax, minijax.numpy as jnp
    >>> q = k = jnp.eye(3)[:, None]
    >>> jax.nn.dot_product_attention(q, k, k, is_causal=True)[0, 0]
    Array([1., 0., 0.], dtype=float32)

    Args:
      query: (batch, T, N, H), or without the batch axis.
      key, value: (batch, S, K, H). The number N of query heads is a multiple of K.
      bias, mask: broadcast to (batch, N, T, S); added to the logits, True where they count.
      is_causal: query position t sees only key positions up to t.
      query_seq_lengths, key_value_seq_lengths: (batch,), how much of T and S is not padding.
      local_window_size: how far to the left and to the right a query sees.

    Raises:
      ValueError: shapes or dtypes that do not match.
    """
    shape = np.shape(query)
    query, key, value, bias, mask = (
        None if x is None else raise_to_4(x) for x in (query, key, value, bias, mask))
    check_operands(query, key, value)
    batch, length, heads, width = query.shape
    groups = key.shape[2]
    query = query.reshape((batch, length, groups, heads // groups, width))
    logits = jnp.einsum("btkgh,bskh->bkgts", query, key)
    logits = logits.reshape((batch, heads, length, key.shape[1]))
    logits = logits.astype(jnp.promote_types(logits.dtype, np.float32))
    logits = logits * np.asarray(1 / math.sqrt(width) if scale is None else scale, logits.dtype)
    if bias is not None:
        logits = (logits + bias).astype(logits.dtype)
    allowed = visible(logits, mask, is_causal, query_seq_lengths, key_value_seq_lengths,
                      local_window_size)
    if allowed is not None:
        logits = jnp.where(allowed, logits, large_negative(logits.dtype))
    weights = softmax(logits.astype(np.float32)).astype(key.dtype)
    weights = weights.reshape((batch, groups, heads // groups, length, key.shape[1]))
    out = jnp.einsum("bkgts,bskh->btkgh", weights, value).reshape((batch, length, heads, width))
    if query_seq_lengths is not None:
        inside = jnp.arange(length)[None, :] < jnp.asarray(query_seq_lengths)[:, None]
        out = out * inside[:, :, None, None].astype(out.dtype)
    return out.reshape(shape)


def raise_to_4(x: Any) -> Any:
    x = jnp.asarray(x)
    return lax.expand_dims(x, range(4 - x.ndim))


def check_operands(query: Any, key: Any, value: Any) -> None:
    batch, _, groups, width = key.shape
    for name, x, wanted in [("value", value, key.shape), ("query", query, (batch, -1, -1, width))]:
        if x.ndim != 4 or any(w not in (-1, n) for n, w in zip(x.shape, wanted)):
            raise ValueError(f"{name} shape should be {wanted}: but got {x.shape}")
        if x.dtype != key.dtype:
            raise ValueError(f"{name} dtype should be {key.dtype}, but got {x.dtype}")
    if query.shape[2] % groups:
        raise ValueError("The number of query heads must be a multiple of key/value heads, but "
                         f"got {query.shape[2]} vs {groups}")


def visible(logits: Any, mask: Any, is_causal: bool, query_lengths: Any, key_lengths: Any,
            window: Any) -> Any:
    """Which keys a query sees, as a mask that broadcasts to the logits; None for all."""
    t, s = jnp.arange(logits.shape[2])[:, None], jnp.arange(logits.shape[3])[None, :]
    masks = [] if mask is None else [mask]
    if is_causal:
        masks.append((s <= t)[None, None])
    if window is not None:
        left, right = (window, window) if isinstance(window, int) else window
        masks.append(((t <= s + left) & (t >= s - right))[None, None])
    if query_lengths is not None:
        masks.append((t < jnp.asarray(query_lengths)[:, None, None])[:, None])
    if key_lengths is not None:
        masks.append((s < jnp.asarray(key_lengths)[:, None, None])[:, None])
    if not masks:
        return None
    out = masks[0]
    for m in masks[1:]:
        out = jnp.logical_and(out, m)
    return jnp.broadcast_to(out, logits.shape)


def large_negative(dtype: np.dtype) -> np.ndarray:
    """Nearly the least number, so that a row of which nothing is seen has equal weights, no NaN."""
    return np.asarray(-0.7 * min(float(dtypes.finfo(dtype).max), float(np.finfo(np.float32).max)),
                      dtype)
