"""`jax.debug`: look into programs while they run."""

from minijax.effects.breakpoints import breakpoint
from minijax.effects.debugging import (
    debug_callback as callback,
    debug_log as log,
    debug_print as print,
)
from minijax.effects.kinds import DebugEffect, OrderedDebugEffect
from minijax.parallel.picture import (
    inspect_array_sharding,
    visualize_array_sharding,
    visualize_sharding,
)

__all__ = ["DebugEffect", "OrderedDebugEffect", "breakpoint", "callback", "inspect_array_sharding",
           "log", "print", "visualize_array_sharding", "visualize_sharding"]
