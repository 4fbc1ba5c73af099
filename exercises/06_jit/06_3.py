# exercise 06.3: Predict the kernels
#
# Into how many kernels is each of these compiled, for an array of shape (1000, 1000)? A
# matrix product is a step by itself, and no kernel. For `whole` the chapter has the answer.
#
# Check it with:  minijax check 06.3

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import current_trace
from minijax.jaxpr import read


functions = {
    "chain": lambda x: jnp.exp(x) * 2.0 + x,
    "turned": lambda x: jnp.exp(x.T) + 1.0,
    "rows": lambda x: x - jnp.mean(x, axis=1, keepdims=True),
    "layer": lambda x: jnp.tanh(x @ x) + 1.0,
    "two layers": lambda x: jnp.tanh(jnp.tanh(x @ x) @ x),
    "whole": lambda x: x / jnp.sum(x * x),
}
kernels = {"whole": 3}
...  # about 1 line
