"""jit: run a program as one compiled unit. Other transformations transform that program."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from minijax.api_util import (
    FlatFun,
    check_callable,
    describe_function,
    is_typed,
    keywords,
    leaf_names,
    positions,
)
from minijax.batching import batch, batch_jaxpr
from minijax.compiler import compiled, timing_trace
from minijax.compiler.executable import executable
from minijax.config import Flags, config
from minijax.core import ArrayImpl, Tracer, axis_env, to_numpy
from minijax.devices import asked_of_jit
from minijax.donation import give_up, offered
from minijax.families import Program
from minijax.fast_path import Shortened
from minijax.jaxpr import JaxprEqn, closed, narrow_jaxpr, trace_to_jaxpr, used_inputs
from minijax.jvp import jvp_call
from minijax.layouts import follow, given, laid_out, wanted_sharding
from minijax.linearize import all_depends, linearize_call, split_jaxpr
from minijax.make_jaxpr import abstract
from minijax.references import Touching, Weakly, abstract_refs
from minijax.source_info import name_of
from minijax.stages import Lowered
from minijax.transpose import transpose_call
from minijax.tree_util import tree_flatten, tree_structure, tree_unflatten

# --- the operation -------------------------------------------------------------------------


class Call(Program):
    """Run one program. Each rule transforms the program and calls the result."""

    def call(self, params: dict) -> Callable:
        return lambda jaxpr, *args: self.bind(*args, jaxpr=jaxpr, **params)

    def evaluate(self, args, params):
        if (sharding := wanted_sharding(params["jaxpr"])) is not None:
            return follow(sharding, self, args, params)
        return self.compute(args, params)

    def compute(self, args: Sequence[Any], params: dict) -> list[Any]:
        jaxpr = params["jaxpr"]
        outs = self.impl(*[to_numpy(x) for x in args], **params)
        return [ArrayImpl(x, a) for x, a in zip(outs, jaxpr.out_avals)]

    def impl(self, *args, jaxpr, name="", **params):
        with np.errstate(all="ignore"):
            return compiled(jaxpr, name)(*args)

    def abstract_eval(self, *avals, jaxpr, **params):
        given = [a.strip_weak_type() for a in avals]
        if given != [a.strip_weak_type() for a in jaxpr.in_avals]:
            name = params.get("name", self.name)
            raise TypeError(f"{name} takes {jaxpr.in_avals}, got {list(avals)}")
        return jaxpr.out_avals

    def effects_of(self, params):
        return params["jaxpr"].effects

    def jvp(self, primals, tangents, *, jaxpr, **params):
        return jvp_call(self.call(params), primals, tangents, jaxpr)

    def linearize(self, active, *xs, jaxpr, **params):
        return linearize_call(self.call(params), active, xs, jaxpr)

    def narrow(self, eqn, wanted):
        jaxpr, used = used_inputs(narrow_jaxpr(eqn.params["jaxpr"], wanted))
        invars = [x for x, u in zip(eqn.invars, used) if u]
        outvars = [v for v, w in zip(eqn.outvars, wanted) if w]
        return JaxprEqn(self, invars, eqn.params | {"jaxpr": jaxpr}, outvars, eqn.line)

    def split(self, unknown, args, params):
        if all_depends(params["jaxpr"], tuple(unknown)):
            return None
        known, rest, unknown_out = split_jaxpr(params["jaxpr"], tuple(unknown))
        if not known.eqns and all(unknown_out):
            return None
        outs = self.bind(*[x for x, u in zip(args, unknown) if not u], **params | {"jaxpr": known})
        n = unknown_out.count(False)
        late = [*outs[n:], *(x for x, u in zip(args, unknown) if u)]
        return outs[:n], unknown_out, late, params | {"jaxpr": rest}

    def transpose(self, cts, *args, jaxpr, **params):
        return transpose_call(self.call(params), cts, args, jaxpr)


jit_p = Call("jit")


@batch.register
def _(prim: Call, axis, xs, dims, /, *, jaxpr, **params):
    batched, dims_out = batch_jaxpr(jaxpr, axis, tuple(dims))
    return prim.bind(*xs, jaxpr=batched, **params), dims_out


# --- the transformation --------------------------------------------------------------------

# The programs of a function live as long as the function, so `jit(f)` made again finds them.
_programs: weakref.WeakKeyDictionary[Callable, dict] = weakref.WeakKeyDictionary()


def programs_of(fun: Callable) -> dict:
    try:
        return _programs.setdefault(fun, {})
    except TypeError:  # not hashable, or not weakly referable: a table for this `jit` alone
        return {}


def clear_caches() -> None:
    """Forget every traced program; functions are traced again at their next call."""
    for programs in _programs.values():
        programs.clear()
    Flags.state = object()


class Traced:
    """A traced function: its program, what the program closes over, and the result's structure."""

    def __init__(self, fun: Callable, kind: str, static: tuple, avals: Sequence[Any], in_tree: Any):
        flat = FlatFun(with_static(fun, static), in_tree, kind)
        touching = Touching(flat, avals, kind)
        program = trace_to_jaxpr(touching, touching.avals, describe_function(fun, kind), False)
        self.refs = touching.refs  # called with what is in them, if there are any
        again = FlatFun(with_static(Weakly(fun), static), in_tree, kind)
        self.caller = touching.caller(again, Jitted) if kind == "jit" else None
        whole = kind in ("jit", "pmap", "shard_map")
        self.jaxpr, self.captured = closed(*program) if whole else program
        self.out_tree, self.in_tree, self.avals = flat.out_tree, in_tree, avals
        self.name = name_of(fun)

    def __call__(self, leaves: Sequence[Any]) -> Any:
        if self.caller:
            return tree_unflatten(self.out_tree, self.caller(leaves))
        outs = jit_p.bind(*self.captured, *leaves, jaxpr=self.jaxpr, name=self.name)
        return tree_unflatten(self.out_tree, outs)


def traced(programs: dict, fun: Callable, kind: str, avals: tuple, in_tree: Any,
           static: tuple = ()) -> Traced:
    """The program of `fun` at these types, from the table or traced now."""
    kinds = tuple(type(x) for _, x in static)  # 1, 1.0 and True are equal, and not the same
    vmas = [a.vma for a in avals] if axis_env() else [a.divided for a in avals]
    key = kind, static, kinds, in_tree, avals, axis_env(), *vmas, config.trace_context()
    try:
        found = programs.get(key)
    except Exception as e:
        raise unhashable(static, e) from None
    if found is None:
        with timing_trace(name_of(fun)):
            found = Traced(fun, kind, static, avals, in_tree)
        if not any(isinstance(x, Tracer) for x in found.captured):  # then it is for now only
            programs[key] = found
    return found


class Jitted(Shortened):
    """A function that is traced once for each type of its arguments, then run as a program."""

    def __init__(self, fun: Callable, static_argnums: tuple, static_argnames: tuple,
                 donated: tuple = ((), ()), shardings: tuple = (None, None)):
        super().__init__(fun)
        self.shardings = shardings  # of arguments, of results
        self.donated = donated if any(donated) else None
        self.static_argnums, self.static_argnames = static_argnums, static_argnames
        self.programs = programs_of(fun)

    def long_way(self, args: tuple, kwargs: dict) -> Any:
        if config.jax_disable_jit:
            return self.fun(*args, **kwargs)
        found, leaves = self.find(args, kwargs)
        leaves = given(leaves, found.in_tree, self.shardings[0])
        donated = self.donated and offered(*split_static(*self.donated, args, kwargs))
        out = laid_out("jit out_shardings", found(leaves), self.shardings[1])
        if donated is not None:
            give_up(donated, out)
        elif not (found.caller or kwargs) and found.in_tree == tree_structure((args, {})):
            jaxpr = found.jaxpr  # there is no static argument
            if self.shardings == (None, None) and not wanted_sharding(jaxpr):
                self.remember(found, executable(jaxpr), found.avals, jaxpr.out_avals)
        return out

    def find(self, args: tuple, kwargs: dict) -> tuple[Traced, list[Any]]:
        """The program for arguments of these types, and the arguments it takes."""
        static, args, kwargs = split_static(self.static_argnums, self.static_argnames, args, kwargs)
        leaves, in_tree = tree_flatten((args, kwargs))
        try:
            avals = tuple(map(abstract, leaves))
        except TypeError:
            avals = abstract_refs(leaves, abstract) or self.refuse(leaves, in_tree)
        return traced(self.programs, self.fun, "jit", avals, in_tree, static), leaves

    def refuse(self, leaves: Sequence[Any], in_tree: Any) -> NoReturn:
        x, name = next((x, name) for x, name in zip(leaves, leaf_names(self.fun, in_tree))
                       if not is_typed(x))
        raise TypeError(
            f"Error interpreting argument to {self.fun} as an abstract array. The problematic "
            f"value is of type {type(x)} and was passed to the function at path {name}.\n"
            "This typically means that a jit-wrapped function was called with a non-array "
            "argument, and this argument was not marked as static using the static_argnums or "
            "static_argnames parameters of jax.jit.") from None

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The program for arguments of these types, ready to be looked at or compiled."""
        found, leaves = self.find(args, kwargs)
        return Lowered(found, leaf_names(self.fun, found.in_tree), self.shardings, leaves)

    trace = lower

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        return self.lower(*args, **kwargs).out_info

    def clear_cache(self) -> None:
        self.programs.clear()
        self.paths = []

    def _cache_size(self) -> int:
        return len(self.programs)

    def __repr__(self) -> str:
        try:
            return f"<PjitFunction of {self.__wrapped__!r}>"
        except Exception:  # the user's own __repr__
            return "<PjitFunction>"


def chosen_arguments(fun: Callable, argnums: Any, argnames: Any, kind: str) -> tuple[tuple, tuple]:
    """Arguments by position and by name. If only one is given, the other is found from it."""
    nums, names = positions(argnums), keywords(argnames)
    if not nums and not names:
        return (), ()
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        return nums, names
    positional = [p.name for p in parameters
                  if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = {p.kind for p in parameters}
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    if wrong := [p.name for p in parameters if p.name in names and p.kind in by_position]:
        raise ValueError(f"Jitted function has invalid argnames {wrong} in {kind}_argnames: "
                         "these are given by position only.")
    if unknown := [n for n in names if n not in {p.name for p in parameters}]:
        if inspect.Parameter.VAR_KEYWORD not in variadic:
            raise ValueError(f"Jitted function has invalid argnames {unknown} in {kind}_argnames: "
                             f"it has parameters {[p.name for p in parameters]}.")
    if any(not -len(positional) <= n < len(positional) for n in nums):
        if inspect.Parameter.VAR_POSITIONAL not in variadic:
            raise ValueError(f"Jitted function has {kind}_argnums={nums}, but only accepts "
                             f"{len(positional)} positional arguments.")
    if argnums is not None and argnames is not None:
        return nums, names
    known = [positional[n] for n in nums if -len(positional) <= n < len(positional)]
    return (tuple({*nums, *(positional.index(n) for n in names if n in positional)}),
            tuple({*names, *known}))


def split_static(nums: tuple, names: tuple, args: tuple, kwargs: dict
                 ) -> tuple[tuple, tuple, dict]:
    """The static arguments, as (position or name, value), and the others."""
    if not nums and not names:
        return (), args, kwargs
    chosen = {i % len(args) for i in nums if -len(args) <= i < len(args)}
    static = [(i, args[i]) for i in sorted(chosen)]
    static += [(k, kwargs[k]) for k in sorted(kwargs) if k in names]
    return (tuple(static), tuple(x for i, x in enumerate(args) if i not in chosen),
            {k: v for k, v in kwargs.items() if k not in names})


def with_static(fun: Callable, static: tuple) -> Callable:
    """`fun` with its static arguments in place."""
    if not static:
        return fun
    by_position = {k: v for k, v in static if isinstance(k, int)}
    by_name = {k: v for k, v in static if isinstance(k, str)}

    def f(*args: Any, **kwargs: Any) -> Any:
        rest = iter(args)
        n = len(args) + len(by_position)
        full = [by_position[i] if i in by_position else next(rest) for i in range(n)]
        return fun(*full, **kwargs, **by_name)

    f.__name__ = name_of(fun)
    return f


def unhashable(static: tuple, error: Exception) -> Exception:
    for _, x in static:
        try:
            hash(x)
        except Exception as e:
            if not isinstance(e, TypeError):
                return error
            return ValueError(
                "Non-hashable static arguments are not supported. An error occurred while trying "
                f"to hash an object of type {type(x)}, {x}. The error was:\nTypeError: {e}\n"
                "Pass a hashable value: a tuple for a list, a frozen dataclass for a dict.")
    return error if not static else ValueError(
        "static arguments should be comparable using __eq__. The comparison of arguments of the "
        f"types {[type(x) for _, x in static]} raised {error!r}.")


def jit(fun: Any = inspect.Parameter.empty, *, in_shardings: Any = None, out_shardings: Any = None,
        static_argnums: Any = None, static_argnames: Any = None,
        donate_argnums: Any = None, donate_argnames: Any = None, keep_unused: bool = False,
        device: Any = None, backend: str | None = None, inline: bool = False,
        compiler_options: dict | None = None) -> Any:
    """`fun`, traced once for each type of its arguments and run as one compiled program.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> selu = jax.jit(lambda x: 1.05 * jnp.where(x > 0, x, 1.67 * jnp.exp(x) - 1.67))
    >>> selu(jnp.array([-1.0, 0.0, 1.0]))
    Array([-1.1084234,  0.       ,  1.05     ], dtype=float32)

    Args:
      in_shardings, out_shardings: how arguments and results are divided among devices, for each a
        sharding or None, in a pytree that is a prefix of the arguments, of the result. An argument
        may be undivided, but not divided in another way.
      static_argnums, static_argnames: arguments that are not traced: hashable values, by
        position or by name. The function is traced again for each new value of them.
      donate_argnums, donate_argnames: arguments whose memory may be reused.
      device, backend: where it runs; deprecated: put the arguments there.

    Raises:
      ValueError: a static argument that cannot be hashed.
      TypeError: an argument or a result that is not an array or a pytree of arrays.
    """
    if fun is inspect.Parameter.empty:
        return functools.partial(
            jit, in_shardings=in_shardings, out_shardings=out_shardings,
            static_argnums=static_argnums, static_argnames=static_argnames, device=device,
            donate_argnums=donate_argnums, donate_argnames=donate_argnames, backend=backend)
    check_callable(fun)
    if inspect.isgeneratorfunction(fun) or inspect.iscoroutinefunction(fun):
        raise TypeError(f"Expected a function, got a generator function or a coroutine: {fun}")
    donated = chosen_arguments(fun, donate_argnums, donate_argnames, "donate")
    static = chosen_arguments(fun, static_argnums, static_argnames, "static")
    if both := {*donated[1]} & {*static[1]}:
        raise ValueError("static_argnames and donate_argnames cannot intersect. Argument names "
                         f"{both} appear in both static_argnames and donate_argnames")
    shardings = asked_of_jit(device, backend, (in_shardings, out_shardings))
    return Jitted(fun, *static, donated, shardings)
