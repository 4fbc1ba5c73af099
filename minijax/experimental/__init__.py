"""`jax.experimental`: what may still change."""

from minijax.effects.results import io_callback as io_callback
from minijax.experimental import mesh_utils as mesh_utils, shard_map as shard_map
