# exercise 12.6: An exponential of your own
#
# Write the text of a kernel that puts exp of each number of `x0` into `x1`,
# without calling one: split off a power of two, and take a polynomial for
# the rest. Five digits have to be right, for numbers between -80 and 80.
#
# ```text
# n = floor(x / log(2) + 1/2)      r = x - n log(2)      exp(x) = 2**n exp(r),  |r| < 0.35
# exp(r) = 1 + r (1 + r/2 (1 + r/3 (1 + r/4 (...))))
# there are: float32(...), floor(...), power_of_2_f32(n) for a whole n
# ```
#
# Check it with:  minijax check 12.6

import numpy as np

import minijax as jax
import minijax.numpy as jnp


from minijax.compiler.load import native

text = """
def kernel(lo, hi, sizes, a0, a1):
    x0 = data(a0, float32)
    x1 = data(a1, float32)
"""
...  # about 10 lines

def run(kernel, numbers, lo, hi):
    x, y = np.array(numbers, np.float32), np.zeros(len(numbers), np.float32)
    kernel(lo, hi, None, id(x), id(y))
    return y
