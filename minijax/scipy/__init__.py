"""`jax.scipy`: functions of SciPy, in terms of `jax.numpy`: they differentiate and batch."""

from minijax.scipy import (
    integrate as integrate,
    linalg as linalg,
    signal as signal,
    special as special,
    stats as stats,
)
