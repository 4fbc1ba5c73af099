"""platform_dependent: one of several functions, by where the program runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minijax.devices import default_backend


def platform_dependent(*args: Any, default: Callable | None = None, **per_platform: Callable
                       ) -> Any:
    """The function for the platform that the program runs on, called with `args`.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.lax.platform_dependent(4.0, cpu=jnp.sqrt, default=lambda x: x ** 0.5))
    2.0

    Args:
      default: for the platforms that are not named.
      per_platform: a function for each platform: `cpu=`, `cuda=`, `rocm=`, `tpu=`.

    Raises:
      NotImplementedError: there is no function for this platform.
    """
    chosen = per_platform.get(default_backend(), default)
    if chosen is None:
        raise NotImplementedError(
            f"platform_dependent: translation rule not found for platform {default_backend()}: "
            f"got functions for {', '.join(sorted(per_platform))}, and no default.")
    return chosen(*args)
