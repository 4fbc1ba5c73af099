"""Choosing, element by element: `select_n`, the one elementwise operation that computes nothing."""

from __future__ import annotations

import numpy as np

from minijax import dtypes
from minijax.core import UndefinedPrimal, typeof
from minijax.families import Elementwise, scalars_like_arrays, zeros


class Select(Elementwise):
    """out[i] = cases[which[i]][i]; `which` is Boolean or integer, of the same shape or rank 0."""

    def __call__(self, which, *cases):
        return self.bind(which, *scalars_like_arrays(cases))

    def impl(self, which, *cases):
        if which.dtype == bool and len(cases) == 2:
            return np.where(which, cases[1], cases[0])
        return np.choose(which, cases) if len(cases) < 32 else np.stack(cases)[
            (which, *np.indices(which.shape))]

    def abstract_eval(self, which, *cases):
        if not cases:
            raise TypeError("select must have at least one case")
        self.check_dtypes(cases)
        if len({a.shape for a in cases}) > 1:
            raise TypeError("select cases must have the same shapes, got "
                            f"[{', '.join(str(a.shape) for a in cases)}].")
        if dtypes.kind(which.dtype) not in "biu":
            raise TypeError("select `which` must be boolean or integer type, got "
                            f"{dtypes.name(which.dtype)}.")
        if which.dtype == bool and len(cases) > 2:
            raise TypeError("select with boolean `which` cannot have > 2 cases, got "
                            f"{len(cases)}.")
        if which.shape not in ((), cases[0].shape):
            raise TypeError(f"select `which` must be scalar or have the same shape as cases, "
                            f"got `which` shape {which.shape} but case shape {cases[0].shape}.")
        return cases[0]

    def weak_type_rule(self, avals, params):
        return all(a.weak_type for a in avals[1:])

    def linearize(self, active, which, *cases):
        out = self.bind(which, *cases)
        aval = typeof(out)

        def push(*tangents):
            ts = iter(tangents)
            return [self.bind(which, *[next(ts) if a else zeros(aval) for a in active[1:]])]

        return [out], [True], push

    def transpose(self, cts, which, *cases):
        (ct,) = cts
        blank = zeros(typeof(ct))
        return [None, *(
            self.bind(which, *[ct if i == j else blank for j in range(len(cases))])
            if isinstance(x, UndefinedPrimal) else None for i, x in enumerate(cases))]


select_n = Select("select_n", np.where, accepts="biufcV")
