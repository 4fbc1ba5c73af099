"""`jnp.float32` and its kin: dtypes to NumPy, and calling one makes an array.

>>> float32 = SCALAR_CLASSES["float32"]
>>> float32, np.dtype(float32), np.zeros(3).astype(float32).dtype == float32
(<class 'jax.numpy.float32'>, dtype('float32'), True)
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax import dtypes


class ScalarMeta(type):
    """The class of `jnp.float32`: a dtype to NumPy, and calling it makes an array.

    `make_array(x, dtype=...)` is how; `minijax.numpy` puts its `asarray` there.
    """

    make_array: Callable[..., Any] = staticmethod(np.asarray)
    dtype: np.dtype

    def __call__(cls, x: Any) -> Any:
        return ScalarMeta.make_array(x, dtype=cls.dtype)

    def __eq__(cls, other: object) -> bool:
        return cls is other or cls.dtype.type == other

    def __hash__(cls) -> int:
        return hash(cls.dtype.type)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.dtype.type)


SCALAR_CLASSES = {  # by the names they have in `minijax.numpy`
    d.name: ScalarMeta(d.name, (), {
        "dtype": d, "__module__": "jax.numpy",
        "__doc__": f"The dtype {d.name}; called with a value, it makes an array of that dtype."})
    for kind in ("bool", "numeric") for d in dtypes.KINDS[kind]}
SCALAR_CLASSES |= {alias: SCALAR_CLASSES[n] for alias, n in {
    "bool_": "bool", "int_": "int64", "uint": "uint64", "float_": "float64",
    "complex_": "complex128", "single": "float32", "double": "float64", "csingle": "complex64",
    "cdouble": "complex128"}.items()}


def scalar_class(name: str) -> ScalarMeta:
    return SCALAR_CLASSES[name]


# They print as JAX's, so pickle would look for them there: it keeps the name instead.
copyreg.pickle(ScalarMeta, lambda cls: (scalar_class, (cls.__name__,)))
