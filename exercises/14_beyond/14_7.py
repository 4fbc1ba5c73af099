# exercise 14.7: Tell each other
#
# Write `arrive`, by which devices hear what the others came for. If a text differs,
# set `self.over` and raise `disagreement(self.me, what, other, text)`, with the first
# such device of `self.devices`. `self.rank.wait(self.all.Iallgather(mine, theirs))`
# sends an array, and fills one with a row of each. It runs in the library's place.
#
# Check it with:  minijax check 14.7

import minijax as jax
import minijax.numpy as jnp
import numpy as np
from minijax import lax


from minijax.parallel.meeting import Meeting, disagreement
from minijax.parallel.mpi_meeting import TEXT

class MPIMeeting(Meeting):  # and its other methods
    def arrive(self, what):
        mine = np.frombuffer(what.encode()[:TEXT].ljust(TEXT, b"\0"), np.uint8)
        ...  # about 6 lines
