# exercise 06.8: Write the calls out
#
# The first thing that the compiler does: return a program that computes
# the same without any `jit` in it, however deep. Run the program while a
# trace is writing, and step into its calls. It may take you an evening.
#
# ```text
# { lambda ; a:f32[]. let                    { lambda ; a:f32[]. let
#     b:f32[] = jit[ name=f                      b:f32[] = sin a
#       jaxpr={ lambda ; a:f32[]. let            c:f32[] = mul b a
#           b:f32[] = sin a                    in (c,) }
#         in (b,) } ] a
#     c:f32[] = mul b a
#   in (c,) }
# ```
#
# Check it with:  minijax check 06.8

import numpy as np

import minijax as jax
import minijax.numpy as jnp
from minijax.core import current_trace
from minijax.jaxpr import read


def written_out(jaxpr):
    """The same program, the programs that it calls written out."""
    ...  # about 11 lines
