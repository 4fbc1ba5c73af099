"""Threefry-2x32: random numbers from a counter.

A generator with a state makes one number after the other. Here there is no state: number i of a
key is `hash(key, i)`. So any part of a stream can be computed by anyone, in any order, and the same
key gives the same numbers under `vmap`, on one device or on many. The hash takes 64 bits (two words
of 32) to 64 bits. For each key it is one-to-one, and it looks random.

Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3* (SC 2011). The streams are
those of JAX (`jax/_src/random/threefry2x32.py`, with `jax_threefry_partitionable`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# --- the hash --------------------------------------------------------------------------------

ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
PARITY = np.uint32(0x1BD11BDA)


def threefry2x32(key: Sequence[np.ndarray], counter: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The hash of a counter, two uint32 arrays, under a key, two uint32 arrays.

    Twenty rounds of add, rotate and xor mix the two words; after every fourth round the key is
    mixed in again. Every step can be undone, so two counters never have the same hash.

    >>> zero = np.zeros(1, np.uint32)
    >>> [hex(x[0]) for x in threefry2x32((zero, zero), (zero, zero))]
    ['0x6b200159', '0x99ba4efe']
    """
    keys = [*key, key[0] ^ key[1] ^ PARITY]
    x, y = (np.asarray(c + k) for c, k in zip(counter, keys))
    high = np.empty_like(y)
    for i in range(5):
        for r in ROTATIONS[i % 2]:
            np.add(x, y, out=x)
            np.right_shift(y, np.uint32(32 - r), out=high)  # rotate y to the left by r bits
            np.left_shift(y, np.uint32(r), out=y)
            np.bitwise_or(y, high, out=y)
            np.bitwise_xor(y, x, out=y)
        x += keys[(i + 1) % 3]
        y += keys[(i + 2) % 3] + np.uint32(i + 1)
    return [x, y]


# --- streams ---------------------------------------------------------------------------------

BLOCK = 1 << 16  # elements at a time, so that the rounds find them in the cache


def stream(keys: np.ndarray, size: int) -> np.ndarray:
    """The hashes of the counters 0, 1, ..., size - 1 for each key: uint32[n, 2] -> [2, n, size]."""
    out = np.empty((2, len(keys), size), np.uint32)
    some = max(BLOCK // max(size, 1), 1)  # keys at a time
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        i = np.arange(start, stop, dtype=np.uint64)
        counter = (i >> np.uint64(32)).astype(np.uint32), i.astype(np.uint32)
        for k in range(0, len(keys), some):
            now = keys[k: k + some]
            words = threefry2x32((now[:, :1], now[:, 1:]), counter)
            out[0, k: k + some, start:stop], out[1, k: k + some, start:stop] = words
    return out


def random_bits(keys: np.ndarray, bit_width: int, shape: Sequence[int]) -> np.ndarray:
    """Random bits for each key: uint32[..., 2] -> uint[..., *shape], each of `bit_width` bits."""
    high, low = stream(keys.reshape(-1, 2), math.prod(shape))
    if bit_width == 64:
        out = high.astype(np.uint64) << np.uint64(32) | low
    else:
        out = np.bitwise_xor(high, low, out=low).astype(f"uint{bit_width}", copy=False)
    return out.reshape((*keys.shape[:-1], *shape))


# --- keys ------------------------------------------------------------------------------------


def seed(seeds: np.ndarray) -> np.ndarray:
    """Keys from integers, as their high and their low word: int[...] -> uint32[..., 2]."""
    wide = seeds.astype(np.uint64 if seeds.dtype.itemsize == 8 else np.uint32).astype(np.uint64)
    return np.stack([wide >> np.uint64(32), wide], -1).astype(np.uint32)


def split(keys: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """New keys, the first numbers of the stream: uint32[..., 2] -> uint32[..., *shape, 2]."""
    words = stream(keys.reshape(-1, 2), math.prod(shape))
    return np.moveaxis(words, 0, -1).reshape((*keys.shape[:-1], *shape, 2))


def fold_in(keys: np.ndarray, data: np.ndarray) -> np.ndarray:
    """A new key from a key and a number: uint32[..., 2], uint32[...] -> uint32[..., 2]."""
    counter = np.zeros_like(data), data
    return np.stack(threefry2x32((keys[..., 0], keys[..., 1]), counter), -1)
