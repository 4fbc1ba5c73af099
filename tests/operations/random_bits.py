"""Keys and bits. A case takes the words of keys, and returns words: a key is not a number."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.operations import Arg, arr, case


def keys(*shape: int) -> Arg:
    """The words of an array of keys."""
    return arr(*shape, 2, dtype="uint32", values=lambda rng: rng.integers(
        0, 2**32, (*shape, 2), dtype=np.uint32))


def library(lax: Any) -> Any:
    """minijax or JAX, from its module lax."""
    return sys.modules[lax.__name__.split(".")[0]]


def on_keys(f: Callable, returns_keys: bool = False) -> Callable:
    """f(random, keys, *args) as a function of lax and words."""

    def fun(lax: Any, words: Any, *args: Any) -> Any:
        J = library(lax)

        def one(words: Any, *args: Any) -> Any:
            out = f(J.random, J.random.wrap_key_data(words), *args)
            return J.random.key_data(out) if returns_keys else out

        for _ in range(np.ndim(words) - 1):
            one = J.vmap(one, (0,) + (None,) * len(args))
        return one(words, *args)

    return fun


def seeded(lax: Any, seeds: Any) -> Any:
    return library(lax).vmap(library(lax).random.PRNGKey)(seeds)


CASES = [
    case("random_wrap", on_keys(lambda r, k: k, True), keys(3)),
    case("random_unwrap", on_keys(lambda r, k: k, True), keys()),
    case("random_unwrap", on_keys(lambda r, k: k, True), keys(2, 0), label="none"),
    case("random_clone", on_keys(lambda r, k: r.clone(k), True), keys(2)),
    case("random_seed", seeded, arr(3, dtype="int64", low=-2**40, high=2**40)),
    case("random_seed", lambda lax, seed: library(lax).random.PRNGKey(seed),
         arr(dtype="int32", low=-2**31, high=2**31), label="int32"),
    case("random_split", on_keys(lambda r, k: r.split(k), True), keys()),
    case("random_split", on_keys(lambda r, k: r.split(k, (2, 3)), True), keys(2), label="shape"),
    case("random_fold_in", on_keys(lambda r, k, n: r.fold_in(k, n), True), keys(),
         arr(dtype="uint32", low=0, high=2**32)),
    case("random_fold_in", on_keys(lambda r, k, n: r.fold_in(k, n), True), keys(2, 3),
         arr(dtype="int32", low=-9, high=9), label="many"),
    case("random_bits", on_keys(lambda r, k: r.bits(k, (5,), "uint32")), keys()),
    case("random_bits", on_keys(lambda r, k: r.bits(k, (2, 0), "uint8")), keys(3), label="none"),
    case("random_bits", on_keys(lambda r, k: r.bits(k, (), "uint64")), keys(3), label="64"),
    case("random_bits", on_keys(lambda r, k: r.bits(k, (3, 2), "uint16")), keys(2), label="16"),
    # the derivative of a gamma number is not that of one sample, so it has no differences
    case("random_gamma", on_keys(lambda r, k, a: r.gamma(k, a, dtype=a.dtype)), keys(),
         arr(3, 2, low=0.2, high=5.0), rtol=1e-5, order=0),
    case("random_gamma", on_keys(lambda r, k, a: r.loggamma(k, a, dtype=a.dtype)), keys(),
         arr(4, low=0.2, high=5.0), rtol=1e-5, order=0, label="log"),
    case("random_gamma", on_keys(lambda r, k, a: r.gamma(k, a, dtype=a.dtype)), keys(2),
         arr(3, dtype="float32", low=0.5, high=2.0), rtol=1e-4, order=0, label="float32"),
]
