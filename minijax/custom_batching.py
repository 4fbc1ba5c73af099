"""The names of rules for batches, as `jax.custom_batching` has them."""

from minijax.custom.batching import (
    custom_vmap as custom_vmap,
    sequential_vmap as sequential_vmap,
)
