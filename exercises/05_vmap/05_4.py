# exercise 05.4: Whose tracer is it
#
# Write `unbox`: the whole batch and its dimension. What is not this interpreter's
# is the same for every element. (Here a tracer is mine if its trace has my `tag`,
# since an interpreter may come back.) It runs in the library's place.
#
# Check it with:  minijax check 05.4

import minijax as jax
import minijax.numpy as jnp
from minijax.core import Trace


from minijax.batching import BatchTracer

class BatchTrace(Trace):  # and its other methods
    def unbox(self, x):
        ...  # about 2 lines
