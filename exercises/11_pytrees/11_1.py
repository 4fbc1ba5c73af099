# exercise 11.1: Count the leaves
#
# How many leaves has each tree, for `jax.tree.leaves`?
# Fill in the dictionary; no line is left out.
#
# ```text
# "nested"   {"w": [1.0, 2.0], "b": (3.0, {"c": 4.0})}
# "none"     [None, 1.0, (None, None)]
# "empty"    ([], {}, ())
# "counter"  Counter(a=1, b=2, c=3)                        of collections
# "words"    ("one", {"two", "three"}, b"four")
# "array"    [jnp.ones((3, 2)), [0.5] * 3]
# "pair"     Pair(1.0, [2.0, None])                        Pair = namedtuple("Pair", "x y")
# "program"  jax.grad(f)({"w": 2.0, "b": None, "c": (1.0, 5.0)})
# ```
#
# Check it with:  minijax check 11.1

import itertools
import math

import minijax as jax
import minijax.numpy as jnp


answer = {}
...  # about 2 lines
