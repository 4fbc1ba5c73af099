"""`jax.example_libraries`: small networks and optimizers, to read and to teach with."""

from minijax.example_libraries import optimizers as optimizers, stax as stax
