# exercise 00.1: What is written down
#
# What is the program of `f`, for a number of the type
# `f32[]`? The first line and the last are given.
#
# ```text
# def f(x):
#     for i in range(2):
#         x = x * x
#     if i > 5:
#         x = jnp.cos(x)
#     return jnp.sin(x) + 3.0
# ```
#
# Check it with:  minijax check 00.1

import minijax as jax
import minijax.numpy as jnp


answer = """
{ lambda ; a:f32[]. let
"""
...  # about 7 lines
