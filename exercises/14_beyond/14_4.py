# exercise 14.4: Machines with devices
#
# Devices are fast among themselves, along the axis `"device"`, but there
# is one slow cable between machines, along `"machine"`. Write the sum over
# all devices: whatever a device sends to another machine shall be only its
# part of the array. `len(x)` is a multiple of the devices of a machine.
#
# Check it with:  minijax check 14.4

import minijax as jax
import minijax.numpy as jnp
import numpy as np
from minijax import lax


def sum_over_machines(x):
    ...  # about 2 lines
