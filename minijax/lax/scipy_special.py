"""Functions of `scipy.special` that are operations of their own here: one line each.

JAX composes them from other operations. SciPy knows their values and textbooks their derivatives.
"""

from __future__ import annotations

import math
from typing import Any

from minijax.families import Elementwise, mul
from minijax.lax.elementwise import add, div, neg, sub
from minijax.lax.special import digamma, scipy_special, zeta as zeta_p
from minijax.lax.transcendental import exp, log, square

__all__ = ["betaln_p", "dawsn_p", "erfcx_p", "exp1_p", "expi_p", "hurwitz_zeta_p", "log_ndtr_p",
           "ndtri_p", "spence_p"]


def of_scipy(name: str, *partials: Any) -> Elementwise:
    """A function of SciPy, from its name and its derivatives."""
    return Elementwise(name, scipy_special(name), *partials, accepts="f")


def no_derivative(out: Any, *args: Any) -> Any:
    raise ValueError("zeta has no derivative with respect to its first argument here")


ROOT_2_PI = math.sqrt(2 * math.pi)

betaln_p = of_scipy("betaln", lambda out, a, b: sub(digamma(a), digamma(add(a, b))),
                    lambda out, a, b: sub(digamma(b), digamma(add(a, b))))
erfcx_p = of_scipy("erfcx", lambda out, x: sub(mul(mul(x, 2.0), out), 2 / math.sqrt(math.pi)))
dawsn_p = of_scipy("dawsn", lambda out, x: sub(1.0, mul(mul(x, 2.0), out)))
ndtri_p = of_scipy("ndtri", lambda out, p: mul(ROOT_2_PI, exp(mul(0.5, square(out)))))
log_ndtr_p = of_scipy("log_ndtr", lambda out, x: exp(
    sub(sub(mul(-0.5, square(x)), math.log(ROOT_2_PI)), out)))
expi_p = of_scipy("expi", lambda out, x: div(exp(x), x))
exp1_p = of_scipy("exp1", lambda out, x: neg(div(exp(neg(x)), x)))
spence_p = of_scipy("spence", lambda out, z: div(log(z), sub(1.0, z)))
hurwitz_zeta_p = Elementwise(
    "hurwitz_zeta", zeta_p.fun, no_derivative,
    lambda out, x, q: neg(mul(x, hurwitz_zeta_p(add(x, 1.0), q))), accepts="f")
