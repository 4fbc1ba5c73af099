"""`jax.ref`: mutable arrays."""

from minijax.references import Ref, addupdate, freeze, get, new_ref, set, swap

__all__ = ["Ref", "addupdate", "freeze", "get", "new_ref", "set", "swap"]
