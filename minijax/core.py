"""Types, operations, interpreters and values: everything else in minijax is built from these.

An operation (`Primitive`) does nothing by itself: `bind` hands it to the current interpreter
(`Trace`). Interpreters stack. In `grad(lambda x: vmap(lambda y: sin(y) * x)(ys))(2.0)`,
`sin` meets the batching interpreter first. It rewrites the operation for whole arrays, for its
parent, the differentiating interpreter, which adds the tangent work, for evaluation, which does it.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minijax import dtypes
from minijax.config import flags
from minijax.conversions import check_integer, check_scalar, check_truth
from minijax.errors import (
    ConcretizationTypeError,
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerIntegerConversionError,
)
from minijax.float_checks import check_floats
from minijax.leaks import check_leaks, leaked
from minijax.numerics import read_only
from minijax.source_info import user_line

# --- types ---------------------------------------------------------------------------------


class ShapedArray:
    """The type of an array, its *aval*: what is known before there is a value.

    `weak_type` marks what came from a Python scalar and gives way in type promotion. `vma` are the
    axes of a mesh over which the value varies, where the program of one device is written;
    `divided` is along which axes of a mesh it is, if these are of the type that says so.
    """

    __slots__ = ("shape", "dtype", "weak_type", "vma", "divided")

    def __init__(self, shape: Sequence[int], dtype: Any, weak_type: bool = False,
                 vma: frozenset = frozenset(), divided: Any = None):
        self.shape = tuple(shape)
        self.dtype = dtype if isinstance(dtype, np.dtype) else np.dtype(dtype)
        self.weak_type, self.vma, self.divided = weak_type, vma, divided

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape)))

    def __eq__(self, other: object) -> bool:  # what varies less may stand for what varies more
        return (isinstance(other, ShapedArray) and self.shape == other.shape
                and self.dtype == other.dtype and self.weak_type == other.weak_type)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.weak_type))

    def update(self, **changes: Any) -> ShapedArray:
        """The same type with some of its fields changed. Another shape is divided in no way yet."""
        fields: dict[str, Any] = {n: getattr(self, n) for n in self.__slots__}
        fields["divided"] = None if "shape" in changes else self.divided
        return ShapedArray(**fields | changes)

    def strip_weak_type(self) -> ShapedArray:
        return self.update(weak_type=False) if self.weak_type else self

    def to_tangent_aval(self) -> ShapedArray:  # float0 where there is nothing to differentiate
        return self if dtypes.is_inexact(self.dtype) else self.update(dtype=dtypes.float0)

    def str_short(self, short_dtypes: bool = False) -> str:
        name = dtypes.short_name(self.dtype) if short_dtypes else dtypes.name(self.dtype)
        names = f"({','.join(sorted(self.vma))})" if len(self.vma) > 1 else "".join(self.vma)
        sizes = map(str, self.shape) if self.divided is None else self.divided.sizes(self.shape)
        return f"{name}[{','.join(sizes)}]" + f"{{V:{names}}}" * bool(names)

    def __str__(self) -> str:
        return ("~" if self.weak_type else "") + self.str_short()

    def __repr__(self) -> str:
        return f"ShapedArray({self.str_short()}{', weak_type=True' * self.weak_type})"


def typeof(x: Any) -> ShapedArray:
    """The type of a value: of an array, a traced value, a NumPy array or a Python scalar.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> print(jax.typeof(jnp.ones((2, 3))), jax.typeof(1.0))
    float32[2,3] ~float32[]
    """
    if isinstance(x, Array):
        return x.aval
    scalar = dtypes.python_scalar(type(x))
    if scalar is not None:
        return ShapedArray((), scalar, weak_type=scalar.kind != "b")
    if isinstance(x, (np.ndarray, np.generic)):
        return ShapedArray(x.shape, dtypes.canonicalize_value_dtype(x))
    if hasattr(x, "__jax_array__"):
        return typeof(x.__jax_array__())
    raise TypeError(f"Argument '{x}' of type {type(x)} is not a valid JAX type")


# --- values --------------------------------------------------------------------------------


class Array:
    """An array, known or traced. `minijax.numpy` adds the operators."""

    __slots__ = ("__weakref__",)
    __array_priority__ = 100  # so that `ndarray + value` comes to us

    aval: ShapedArray
    shape = property(lambda self: self.aval.shape)
    dtype = property(lambda self: dtypes.public_dtype(self.aval.dtype))
    weak_type = property(lambda self: self.aval.weak_type)
    ndim = property(lambda self: len(self.aval.shape))
    size = property(lambda self: self.aval.size)
    itemsize = property(lambda self: self.aval.dtype.itemsize)
    nbytes = property(lambda self: self.aval.size * self.aval.dtype.itemsize)

    def __len__(self) -> int:
        if not self.aval.shape:
            raise TypeError("len() of unsized object")
        return self.aval.shape[0]

    __hash__ = None  # type: ignore[assignment]  # `==` compares the elements

    def __copy__(self, *memo: Any) -> Any:
        return self

    __deepcopy__ = __copy__

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("JAX arrays are immutable and do not support in-place item assignment. "
                        "Instead of x[idx] = y, use x = x.at[idx].set(y) or another .at[] method.")

    def block_until_ready(self) -> Any:
        return self


class ArrayImpl(Array):
    """An array that is known: a read-only NumPy buffer and its type."""

    __slots__ = ("_value", "aval", "_sharding")
    _sharding: Any  # only where it was asked for: which part is on which device
    follow: Any  # only of arrays divided among devices: how to evaluate an operation on them

    def __init__(self, value: np.ndarray, aval: ShapedArray | None = None):
        value.setflags(write=False)
        self._value = value
        self.aval = aval or ShapedArray(value.shape, value.dtype)

    def __getattr__(self, name: str) -> Any:
        raise (AttributeError(f"'ArrayImpl' object has no attribute '{name}'") if name != "_value"
               else RuntimeError(f"Array has been deleted with shape={self.aval}."))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if dtypes.is_key_dtype(self._value.dtype):
            raise TypeError("a NumPy array cannot hold keys: use jax.random.key_data(keys).")
        if dtype is not None and dtype != self._value.dtype:
            return self._value.astype(dtype)
        return self._value.copy() if copy else read_only(self._value)

    def __bool__(self) -> bool:
        check_truth(self.aval)
        return bool(self._value)

    def _scalar(self) -> Any:
        check_scalar(self.aval)
        return self._value[()]

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        check_integer(self.aval)
        return int(self._value)

    def __iter__(self) -> Iterator[ArrayImpl]:
        if not self._value.ndim:
            raise TypeError("iteration over a 0-d array")
        return (ArrayImpl(np.asarray(row)) for row in self._value)

    def item(self, *args: Any) -> Any:
        return self._value.item(*args)

    def tolist(self) -> Any:
        return self._value.tolist()

    def __format__(self, spec: str) -> str:
        return format(dtypes.key_text(self._value) or self._value[()], spec)

    def __reduce__(self) -> tuple:
        return ArrayImpl, (np.array(self._value), self.aval)

    def __str__(self) -> str:
        return dtypes.key_text(self._value) or str(self._value)

    def __repr__(self) -> str:
        if text := dtypes.key_text(self._value):
            return text
        dtype = f"dtype={dtypes.name(self.dtype)}{', weak_type=True' * self.weak_type}"
        body = (f"[], shape={self.shape}" if self._value.size == 0 else
                np.array2string(self._value, separator=", ", prefix="Array(", suffix=","))
        last_line = len(body) - body.rfind("\n") + 1
        fits = last_line + len(dtype) + 2 <= np.get_printoptions()["linewidth"]
        return f"Array({body},{' ' if fits else ' ' * 6}{dtype})"  # JAX does not break the line


def to_numpy(x: Any) -> np.ndarray:
    """The buffer of a concrete value; the user's own arrays are copied, because they can change."""
    if isinstance(x, ArrayImpl):
        return x._value
    if isinstance(x, Tracer):
        raise leaked(x)
    if hasattr(x, "__jax_array__"):
        return to_numpy(x.__jax_array__())
    return np.array(x, typeof(x).dtype)


# --- operations ----------------------------------------------------------------------------


class Primitive:
    """An operation. What it means is up to the interpreter that meets it.

    Its mathematics is here: `impl` (value), `abstract_eval` (type), `linearize` (derivative) and,
    for a linear operation, `transpose`. How a machine sees it (`batch`, `lower`) belongs to its
    family, in the module of the transformation.
    """

    multiple_results = False
    effects: frozenset = frozenset()  # an equation with effects is never dropped or merged
    large_impl: Any = None  # (avals, params, out avals) -> `impl` for large arrays, or None
    jvp: Any = None  # results and tangents together: instead of `linearize`, or for speed besides

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def bind(self, *args: Any, **params: Any) -> Any:
        outs = _state.trace.process_primitive(self, args, params)
        return outs if self.multiple_results else outs[0]

    def impl(self, *args: np.ndarray, **params: Any) -> Any:
        """The value, from values: NumPy arrays in, NumPy arrays out."""
        raise NotImplementedError(f"{self.name} has no evaluation rule")

    def abstract_eval(self, *avals: ShapedArray, **params: Any) -> Any:
        """The type of the result, from the types of the arguments. TypeError on misuse."""
        raise NotImplementedError(f"{self.name} has no typing rule")

    def linearize(self, active: Sequence[bool], *primals: Any, **params: Any) -> tuple:
        """(outs, active_out, push): `push` maps the active tangents to the active out tangents."""
        raise NotImplementedError(f"Differentiation rule for '{self.name}' not implemented")

    def transpose(self, cts: Sequence[Any], *args: Any, **params: Any) -> Sequence[Any]:
        """Cotangents of the arguments that are an `UndefinedPrimal`, None for the others."""
        raise NotImplementedError(f"Transpose rule (for reverse-mode) for '{self.name}' "
                                  "not implemented")

    def out_avals(self, avals: Sequence[ShapedArray], params: dict) -> list[ShapedArray]:
        """`abstract_eval` as a list; a single result is weakly typed by `weak_type_rule`."""
        out = self.abstract_eval(*avals, **params)
        vma = self.vma_rule(avals, params)
        if self.multiple_results:
            outs = [a.update(vma=vma) for a in out] if vma else list(out)
        else:
            weak = self.weak_type_rule(avals, params)
            outs = [out if out.weak_type == weak and out.vma == vma else
                    ShapedArray(out.shape, out.dtype, weak, vma)]
        divided = next((a.divided for a in avals if a.divided), None)
        return divided.typed(self, avals, params, outs) if divided else outs

    def vma_rule(self, avals: Sequence[ShapedArray], params: dict) -> frozenset:
        """The axes over which a result varies: those over which an operand does."""
        return frozenset().union(*[a.vma for a in avals if a.vma])

    def weak_type_rule(self, avals: Sequence[ShapedArray], params: dict) -> bool:
        """Weak in, weak out."""
        return bool(avals) and all(a.weak_type for a in avals)

    def evaluate(self, args: Sequence[Any], params: dict) -> list[Any]:
        """The outermost meaning of an operation: check the types, compute it now."""
        avals = self.out_avals(given := list(map(typeof, args)), params)
        impl = self.large_impl and self.large_impl(given, params, avals) or self.impl
        with np.errstate(all="ignore"):
            out = impl(*map(to_numpy, args), **params)
            outs = out if self.multiple_results else [out]
            return [ArrayImpl(np.asarray(x, a.dtype), a) for x, a in zip(outs, avals)]

    def effects_of(self, params: dict) -> frozenset:
        return self.effects

    def stage(self, trace: Trace, args: Sequence[Any], params: dict) -> tuple[Sequence[Any], dict]:
        """Turn functions among the params into programs, before `trace` writes them down."""
        return args, params

    def narrow(self, eqn: Any, wanted: tuple[bool, ...]) -> Any:
        """The equation with the `wanted` results only, if the operation can do without others."""
        return eqn

    def split(self, unknown: Sequence[bool], args: Sequence[Any], params: dict) -> Any:
        """Do what needs no `unknown` argument: (known outs, unknown_out, args, params), or None.

        `args` and `params` are for the rest: its last results are the unknown ones.
        """
        return None


@dataclass(eq=False, slots=True)
class UndefinedPrimal:
    """Stands for an argument being transposed: its type is known, its value never is."""

    aval: ShapedArray


# --- interpreters --------------------------------------------------------------------------


class Trace:
    """An interpreter of operations. `parent` interprets what its rules do.

    A traced value is mine if `x._trace is self`; any other value is a constant to me.
    """

    axis_name: Any = None  # the mapped axis this interpreter introduces, if it has a name
    size: int = 0
    tracked: bool = False  # do types say what varies along it?

    def __init__(self, name: str, parent: Trace | None = None):
        self.name, self.parent, self.alive = name, parent, True
        self.tag: Any = object()  # who I am, also where I am resumed to run a user's rule

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        raise NotImplementedError

    def vary(self, x: Any, vma: frozenset) -> Any:
        """`x`, made to vary over these axes: repeated, or summed over those that are too many."""
        return x if self.parent is None else self.parent.vary(x, vma)

    def origin(self, x: Tracer) -> str:  # why the value of `x` is not known, for messages
        return "There a value is known by its type only."


class EvalTrace(Trace):
    """The bottom of the stack: operations on concrete values, done at once."""

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        divided = [x for x in args if type(x) is not ArrayImpl and isinstance(x, ArrayImpl)]
        where = divided[0] if divided else flags.jax_default_device
        outs = prim.evaluate(args, params) if where is None else where.follow(prim, args, params)
        if flags.jax_debug_nans or flags.jax_debug_infs:
            check_floats(prim.name, outs)
        return outs


class _State(threading.local):
    trace: Trace = EvalTrace("evaluation")


_state = _State()


def current_trace() -> Trace:
    """The interpreter that meets the next operation, in this thread."""
    return _state.trace


class interpreting:
    """Make `trace` the interpreter of everything in this block."""

    __slots__ = ("trace", "saved")

    def __init__(self, trace: Trace):
        self.trace = trace

    def __enter__(self) -> Any:
        self.saved, _state.trace = _state.trace, self.trace
        return self.trace

    def __exit__(self, *exc: object) -> None:
        _state.trace = self.saved


class tracing(interpreting):
    """`interpreting`, and the end of the block is the end of the trace."""

    __slots__ = ()

    def __exit__(self, *exc: object) -> None:
        _state.trace, self.trace.alive = self.saved, False
        if flags.jax_check_tracer_leaks:
            check_leaks(self.trace, leaked, *exc)


def axis_env(trace: Trace | None = None) -> tuple[tuple[Any, int, bool], ...]:
    """The named axes in scope, innermost first: (name, size, tracked)."""
    trace = trace or _state.trace
    mine = () if trace.axis_name is None else ((trace.axis_name, trace.size, trace.tracked),)
    return mine + (axis_env(trace.parent) if trace.parent else ())


# --- traced values -------------------------------------------------------------------------


class Tracer(Array):
    """A value that a live `Trace` is following."""

    __slots__ = ("_trace", "aval", "line")  # `x.trace()` is the sum of a diagonal

    def __init__(self, trace: Trace, aval: ShapedArray, line: Any = None):
        self._trace, self.aval, self.line = trace, aval, line or user_line()

    def to_concrete_value(self) -> Any:
        """The value where it is known while tracing (as in `grad` outside of `jit`), else None."""
        return None

    def unknown(self, error: type[TypeError], what: str) -> TypeError:
        """An error for what needs the value: where it was traced, and why it is not known."""
        return error(f"{what}\nThe error occurred while tracing the {self._trace.name}. "
                     f"{self._trace.origin(self)}")

    def known(self, error: type[TypeError], what: str) -> Any:
        value = self.to_concrete_value()
        if value is None:
            raise self.unknown(error, what)
        return value

    def __bool__(self) -> bool:
        check_truth(self.aval)
        return bool(self.known(TracerBoolConversionError, (
            f"Attempted boolean conversion of traced array with shape {self.aval.str_short()}. "
            "Python's `if`, `while`, `and`, `or` and `not` need a value: use jnp.where, lax.cond "
            "or lax.while_loop, or make the argument static (static_argnums).")))

    def concrete_or_error(self, why: str) -> Any:
        return self.known(ConcretizationTypeError, self.abstract_value(why))

    def abstract_value(self, why: str) -> str:
        return ("Abstract tracer value encountered where concrete value is expected: traced array "
                f"with shape {self.aval.str_short()}\n{why}")

    def not_a_number(self, kind: str) -> TypeError:
        """A Python number has no tangent: even where the value is known, it would be constant."""
        check_scalar(self.aval)
        return self.unknown(ConcretizationTypeError, self.abstract_value(
            f"The problem arose with the `{kind}` function: a Python number would be a constant. "
            f"Try using `x.astype({kind})` and jnp's functions (not math's), or mark the argument "
            "of jit as static (static_argnums)."))

    def __int__(self) -> int:
        value = self.to_concrete_value()
        if value is None:
            raise self.not_a_number("int")
        return int(value)

    def __float__(self) -> float:
        raise self.not_a_number("float")

    def __complex__(self) -> complex:
        raise self.not_a_number("complex")

    def item(self, *args: Any) -> Any:
        why = "This occurred in the item() method of jax.Array: return the array, read it later."
        return to_numpy(self.concrete_or_error(why)).item(*args)

    def tolist(self) -> Any:
        raise self.unknown(ConcretizationTypeError, self.abstract_value("tolist(): read it later."))

    def __index__(self) -> int:
        check_integer(self.aval)
        return operator.index(self.known(TracerIntegerConversionError, (
            f"The __index__() method was called on traced array with shape {self.aval.str_short()}."
            " Where Python needs an integer (range, list index, a shape), make the argument static "
            "(static_argnums), or use lax.fori_loop or jnp.take.")))

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise self.unknown(TracerArrayConversionError, (
            "The numpy.ndarray conversion method __array__() was called on traced array with "
            f"shape {self.aval.str_short()}: use the function of jax.numpy instead of NumPy's."))

    def __iter__(self) -> Iterator[Any]:
        if not self.aval.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.aval.shape[0]))  # type: ignore[index]
