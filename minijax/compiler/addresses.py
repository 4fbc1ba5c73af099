"""Where the data of NumPy arrays is."""

from __future__ import annotations

import ctypes

import numpy as np

HEADER = object.__basicsize__  # bytes of an array's object; then comes the address of its data


def address_as_told(x: np.ndarray) -> int:
    """Where the data of an array begins, as NumPy tells it."""
    return x.__array_interface__["data"][0]


def address(x: np.ndarray) -> int:
    """The same, six times as fast: as kernels find it."""
    return ctypes.c_size_t.from_address(id(x) + HEADER).value


if address(x := np.zeros(1)) != address_as_told(x):  # not this Python and this NumPy
    address = address_as_told
