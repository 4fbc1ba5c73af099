"""`jax.random`: random numbers from keys, bit for bit those of JAX.

`keys` makes keys, `basics` the first numbers, the other modules what is made of them. The hash
that turns a key into bits is in `minijax.lax.threefry`.
"""

from minijax.lax.rejection import random_gamma_p as random_gamma_p
from minijax.random.basics import (
    bits as bits,
    normal as normal,
    randint as randint,
    truncated_normal as truncated_normal,
    uniform as uniform,
)
from minijax.random.choosing import (
    categorical as categorical,
    choice as choice,
    permutation as permutation,
)
from minijax.random.counts import (
    binomial as binomial,
    multinomial as multinomial,
)
from minijax.random.distributions import (
    bernoulli as bernoulli,
    cauchy as cauchy,
    double_sided_maxwell as double_sided_maxwell,
    exponential as exponential,
    geometric as geometric,
    gumbel as gumbel,
    laplace as laplace,
    logistic as logistic,
    lognormal as lognormal,
    maxwell as maxwell,
    pareto as pareto,
    rademacher as rademacher,
    rayleigh as rayleigh,
    triangular as triangular,
    wald as wald,
    weibull_min as weibull_min,
)
from minijax.random.gammas import (
    beta as beta,
    chisquare as chisquare,
    dirichlet as dirichlet,
    f as f,
    gamma as gamma,
    loggamma as loggamma,
    poisson as poisson,
    t as t,
)
from minijax.random.keys import (
    PRNGKey as PRNGKey,
    clone as clone,
    fold_in as fold_in,
    key as key,
    key_data as key_data,
    key_dtype as key_dtype,
    key_impl as key_impl,
    split as split,
    wrap_key_data as wrap_key_data,
)
from minijax.random.vectors import (
    ball as ball,
    generalized_normal as generalized_normal,
    multivariate_normal as multivariate_normal,
    orthogonal as orthogonal,
)
