"""What runs: the versions that a report of a bug needs."""

from __future__ import annotations

import platform
import sys

import numpy as np

from minijax.devices import device_count, local_device_count, process_count


def print_environment_info(return_string: bool = False) -> str | None:
    """Print the versions of minijax, NumPy and Python, and the devices, or return them as text.

    >>> import minijax as jax
    >>> jax.print_environment_info(return_string=True).splitlines()[0]
    'jax:    0.1.0'
    """
    version = sys.modules[__package__].__version__
    text = (f"jax:    {version}\nnumpy:  {np.__version__}\npython: {sys.version}\n"
            f"device info: cpu-{device_count()}, {local_device_count()} local devices\n"
            f"process_count: {process_count()}\nplatform: {platform.uname()}\n")
    if return_string:
        return text
    print(text)
    return None
