"""Random keys and random bits as operations. The hash behind them is in `threefry`.

A key is an element of its own dtype, `key<fry>`: it can be indexed, stacked and mapped over like a
number, but not added. `random_wrap` and `random_unwrap` go between keys and the words they are
made of. What is asked of an array of keys is done for each key, so the batch dimension of `vmap` is
one more dimension of the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from minijax import dtypes
from minijax.core import ShapedArray
from minijax.families import Axiswise, Elementwise
from minijax.lax import threefry

__all__ = [
    "random_bits_p", "random_clone_p", "random_fold_in_p", "random_seed_p", "random_split_p",
    "random_unwrap_p", "random_wrap_p",
]

KEY = dtypes.key_dtype
IMPL = "fry"  # the short name of Threefry-2x32, as it is printed


def words(keys: np.ndarray) -> np.ndarray:
    """What keys are made of: key[...] -> uint32[..., 2]."""
    return keys[KEY.names[0]]  # type: ignore[index]


def as_keys(words: np.ndarray) -> np.ndarray:
    """uint32[..., 2] -> key[...]"""
    return np.ascontiguousarray(words).view(KEY)[..., 0]


def check_keys(name: str, aval: ShapedArray) -> None:
    if not dtypes.is_key_dtype(aval.dtype):
        raise TypeError(f"{name} takes an array of random keys, got {aval.str_short()}. Make one "
                        "with jax.random.key(seed).")


# --- making keys -----------------------------------------------------------------------------


class MakesKeys(Elementwise):
    """Keys from numbers, or from keys and numbers, element by element."""

    def __init__(self, name: str, fun: Callable, check: Callable):
        super().__init__(name, fun, dtype=KEY)
        self.check_dtypes = check  # type: ignore[method-assign]

    def weak_type_rule(self, avals, params):
        return False


def check_seed(avals: Sequence[ShapedArray]) -> None:
    (seed,) = avals
    if dtypes.kind(seed.dtype) not in "iu":
        raise TypeError(f"PRNG key seed must be an integer; got {seed.str_short()}")


def check_fold_in(avals: Sequence[ShapedArray]) -> None:
    keys, data = avals
    check_keys("random_fold_in", keys)
    if data.dtype != np.uint32:
        raise TypeError(f"random_fold_in takes uint32 data, got {data.str_short()}")


random_seed_p = MakesKeys(
    "random_seed", lambda seeds, impl: as_keys(threefry.seed(seeds)), check_seed)
random_fold_in_p = MakesKeys(
    "random_fold_in", lambda keys, data: as_keys(threefry.fold_in(words(keys), data)),
    check_fold_in)

# --- using keys ------------------------------------------------------------------------------


class ForEachKey(Axiswise):
    """Done for each key of an array of keys; further operands begin with the shape of the keys."""

    def weak_type_rule(self, avals, params):
        return False

    def shift(self, params, size):
        return params


class RandomWrap(ForEachKey):
    """Keys from their words."""

    def impl(self, x, *, impl):
        return as_keys(x)

    def abstract_eval(self, x, *, impl):
        trouble = "JAX encountered invalid PRNG key data: expected "
        if not x.shape:
            raise TypeError(f"{trouble}key_data.ndim >= 1; got ndim=0")
        if x.shape[-1:] != (2,):
            raise TypeError(f"{trouble}key_data.shape to end with (2,); got shape={x.shape}. A raw "
                            "key is what jax.random.PRNGKey(seed) returns.")
        if x.dtype != np.uint32:
            raise TypeError(f"{trouble}key_data.dtype = uint32; got dtype={dtypes.name(x.dtype)}")
        return ShapedArray(x.shape[:-1], KEY)


class RandomUnwrap(ForEachKey):
    """The words of keys."""

    def impl(self, keys):
        return words(keys)

    def abstract_eval(self, keys):
        check_keys("random_unwrap", keys)
        return ShapedArray((*keys.shape, 2), np.uint32)


class RandomClone(ForEachKey):
    """The same keys."""

    def impl(self, keys):
        return keys

    def abstract_eval(self, keys):
        check_keys("random_clone", keys)
        return keys


class RandomSplit(ForEachKey):
    """New keys from each key, in the given shape."""

    def impl(self, keys, *, shape):
        return as_keys(threefry.split(words(keys), shape))

    def abstract_eval(self, keys, *, shape):
        check_keys("random_split", keys)
        return ShapedArray((*keys.shape, *shape), KEY)


class RandomBits(ForEachKey):
    """Unsigned integers of `bit_width` random bits, in the given shape, for each key."""

    def impl(self, keys, *, bit_width, shape):
        return threefry.random_bits(words(keys), bit_width, shape)

    def abstract_eval(self, keys, *, bit_width, shape):
        check_keys("random_bits", keys)
        if bit_width not in (8, 16, 32, 64):
            raise TypeError(f"requires 8-, 16-, 32- or 64-bit field width, got {bit_width}.")
        return ShapedArray((*keys.shape, *shape), f"uint{bit_width}")


random_wrap_p = RandomWrap("random_wrap")
random_unwrap_p = RandomUnwrap("random_unwrap")
random_clone_p = RandomClone("random_clone")
random_split_p = RandomSplit("random_split")
random_bits_p = RandomBits("random_bits")
