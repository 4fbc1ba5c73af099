"""The names of rules that users write, as `jax.custom_derivatives` has them."""

from minijax.custom.calls import (
    SymbolicZero as SymbolicZero,
    zero_from_primal as zero_from_primal,
)
from minijax.custom.gradient import (
    closure_convert as closure_convert,
    custom_gradient as custom_gradient,
)
from minijax.custom.jvp import (
    custom_jvp as custom_jvp,
    custom_jvp_call_p as custom_jvp_call_p,
)
from minijax.custom.vjp import (
    CustomVJPPrimal as CustomVJPPrimal,
    custom_vjp as custom_vjp,
    custom_vjp_call_p as custom_vjp_call_p,
    custom_vjp_primal_tree_values as custom_vjp_primal_tree_values,
)
