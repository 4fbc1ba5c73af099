"""The operations, by family. `jax.lax`: the layer that `jax.numpy` is written in."""

from minijax.families import (
    broadcast_in_dim,
    broadcast_in_dim_p,
    convert_element_type,
    convert_element_type_p,
    mul,
    reshape,
    reshape_p,
    select_n,
    transpose,
    transpose_p,
)
from minijax.lax.contraction import (
    DotDimensionNumbers,
    Precision,
    batch_matmul,
    dot,
    dot_general,
    dot_general_p,
)
