# exercise 09.2: The mean of unequal parts
#
# Each device has the mean of its own images and how many they are. Write the mean
# of all images. The axis is `"i"`. A device may have none, and then its mean is 0.
#
# Check it with:  minijax check 09.2

import minijax as jax
import minijax.numpy as jnp
from minijax import lax


def mean_of_all(mean, count):
    ...  # about 1 line
