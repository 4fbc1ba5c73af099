"""Functions that bring their own derivative: custom_jvp, custom_vjp and what is made of them."""

from minijax.custom.gradient import (
    closure_convert as closure_convert,
    custom_gradient as custom_gradient,
)
from minijax.custom.jvp import custom_jvp as custom_jvp
from minijax.custom.vjp import custom_vjp as custom_vjp
