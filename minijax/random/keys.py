"""Keys: the state of a random number generator, made explicit.

There is no hidden state. A function of this package that is called twice with one key returns the
same numbers twice; new numbers come from new keys, and new keys from `split` and `fold_in`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.core import Array, ArrayImpl, typeof
from minijax.lax.random_bits import (
    IMPL,
    random_clone_p,
    random_fold_in_p,
    random_seed_p,
    random_split_p,
    random_unwrap_p,
    random_wrap_p,
)
from minijax.lax.shapes import canonicalize_shape
from minijax.lax.shaping import squeeze
from minijax.lax.slicing import slice as lax_slice
from minijax.numpy.promotion import convert

IMPL_NAME = "threefry2x32"


def is_key(x: Any) -> bool:
    return hasattr(x, "dtype") and dtypes.is_key_dtype(typeof(x).dtype)


def check_key(name: str, key: Any, allow_batched: bool = False) -> tuple[Any, bool]:
    """The key as a typed one, and whether it was a raw one: words, uint32[2], of `PRNGKey`."""
    raw = not is_key(key)
    if raw:
        if not isinstance(key, (Array, np.ndarray)):
            raise TypeError("JAX encountered invalid PRNG key data: expected key_data to have "
                            f"ndim, shape, and dtype attributes. Got {key}. Pass a key, as "
                            f"jax.random.key(0) makes one, as the first argument of {name}.")
        key = random_wrap_p.bind(key, impl=IMPL)
    if typeof(key).shape and not allow_batched:
        raise ValueError(f"{name} accepts a single key, but was given a key array of shape "
                         f"{typeof(key).shape} != (). Use jax.vmap for batching.")
    return key, raw


def like_given(raw: bool, keys: Any) -> Any:
    """New keys of the kind that the user has: raw for raw, typed for typed."""
    return random_unwrap_p.bind(keys) if raw else keys


def check_impl(impl: Any, dtype: Any = None) -> None:
    if impl is not None and dtype is not None:
        raise ValueError("Cannot specify both `impl` and `dtype`.")
    chosen = impl if dtype is None else dtype
    if chosen not in (None, IMPL_NAME, dtypes.public_dtype(dtypes.key_dtype)):
        raise ValueError(f'unrecognized PRNG implementation "{chosen}". '
                         f'Did you mean one of: "{IMPL_NAME}"?')


# --- making keys -----------------------------------------------------------------------------


def seeded(name: str, seed: Any) -> Any:
    if is_key(seed):
        raise TypeError(f"{name} accepts a scalar seed, but was given a PRNG key.")
    if isinstance(seed, int):
        dtype = dtypes.default_int_dtype()
        seed = ArrayImpl(np.asarray(np.int64(seed)).astype(dtype))  # in 32 bits the low word counts
    if shape := typeof(seed).shape:
        raise TypeError(f"{name} accepts a scalar seed, but was given an array of shape {shape} "
                        "!= (). Use jax.vmap for batching")
    return random_seed_p.bind(seed, impl=IMPL)


def key(seed: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """A random key from an integer: a rank-0 array of dtype `key<fry>`.

    >>> import minijax as jax
    >>> key = jax.random.key(42)
    >>> key
    Array((), dtype=key<fry>) overlaying:
    [ 0 42]
    >>> jax.random.uniform(key)
    Array(0.48870957, dtype=float32)

    Raises:
      TypeError: a seed that is not an integer, or not a scalar.
    """
    check_impl(impl, dtype)
    return seeded("key", seed)


def PRNGKey(seed: Any, *, impl: Any = None) -> Any:
    """A raw random key from an integer: its two words, uint32[2]. `key` makes a typed one.

    >>> import minijax as jax
    >>> jax.random.PRNGKey(42)
    Array([ 0, 42], dtype=uint32)
    """
    check_impl(impl)
    return random_unwrap_p.bind(seeded("PRNGKey", seed))


def split(key: Any, num: int | Sequence[int] = 2) -> Any:
    """New keys from a key: `num` of them, or an array of that shape. Do not use the old one again.

    >>> import minijax as jax
    >>> key, subkey = jax.random.split(jax.random.key(0))
    >>> jax.random.normal(subkey)
    Array(-2.4424558, dtype=float32)
    """
    typed, raw = check_key("split", key)
    return like_given(raw, random_split_p.bind(typed, shape=shape_of(num)))


def fold_in(key: Any, data: Any) -> Any:
    """A new key from a key and an integer, such as the number of a step or of a layer.

    >>> import minijax as jax
    >>> keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), jax.numpy.arange(3))
    >>> keys.shape
    (3,)
    """
    typed, raw = check_key("fold_in", key)
    if shape := np.shape(data):
        raise TypeError(f"fold_in accepts a scalar, but was given an array of shape {shape} != (). "
                        "Use jax.vmap for batching.")
    dtype = np.dtype(np.uint32)
    data = np.array(data, dtype) if isinstance(data, int) else convert(data, dtype)
    return like_given(raw, random_fold_in_p.bind(typed, data))


def clone(key: Any) -> Any:
    """The same key, for a program that means to use it twice."""
    return random_clone_p.bind(key)


# --- looking into keys -----------------------------------------------------------------------


def key_data(keys: Any) -> Any:
    """The words of keys, uint32[..., 2].

    >>> import minijax as jax
    >>> jax.random.key_data(jax.random.key(42))
    Array([ 0, 42], dtype=uint32)
    """
    return random_unwrap_p.bind(check_key("key_data", keys, allow_batched=True)[0])


def wrap_key_data(key_bits_array: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """Typed keys from their words, uint32[..., 2]; the opposite of `key_data`."""
    check_impl(impl, dtype)
    return random_wrap_p.bind(key_bits_array, impl=IMPL)


def key_impl(keys: Any) -> str:
    """The name of the generator that keys are for: 'threefry2x32', the only one here."""
    check_key("key_impl", keys, allow_batched=True)
    return IMPL_NAME


def key_dtype(impl: Any = None) -> Any:
    """The dtype of typed keys."""
    check_impl(impl)
    return dtypes.public_dtype(dtypes.key_dtype)


# --- inside the samplers ---------------------------------------------------------------------


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape, from an integer or a sequence of them."""
    try:
        shape = (operator.index(shape),)
    except TypeError:
        pass
    sizes = canonicalize_shape(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"Shapes must have sizes that are not negative, got {sizes}.")
    return sizes


def split_into(key: Any, count: int = 2) -> list[Any]:
    """`count` typed keys."""
    keys = random_split_p.bind(key, shape=(count,))
    return [squeeze(lax_slice(keys, (i,), (i + 1,), (1,)), (0,)) for i in range(count)]
