"""`jax.debug`: look into programs while they run."""

from minijax.effects.breakpoints import breakpoint
from minijax.effects.debugging import (
    debug_callback as callback,
    debug_log as log,
    debug_print as print,
)
from minijax.effects.kinds import DebugEffect, OrderedDebugEffect

__all__ = ["DebugEffect", "OrderedDebugEffect", "breakpoint", "callback", "log", "print"]
