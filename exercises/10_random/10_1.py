# exercise 10.1: Which keys are equal
#
# Some of these nine keys are equal. Write a set of words: each letter in
# one word, those of equal keys in the same word, in alphabetical order.
#
# ```text
# A  key                       D  split(key, 5)[1]    G  split(split(key)[1])[0]
# B  split(key)[0]             E  fold_in(key, 1)     H  fold_in(fold_in(key, 1), 0)
# C  split(key)[1]             F  fold_in(key, 0)     I  split(key, (2, 2))[0, 1]
# ```
#
# Check it with:  minijax check 10.1

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


answer = {"A", "BC", "DEF", "GHI"}
...  # about 1 line
