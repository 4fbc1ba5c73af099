"""Options: for the whole process with `config.update`, for one block with a context manager.

    jax.config.update("jax_enable_x64", True)     # everywhere, from now on
    with jax.enable_x64(True): ...                # in this block and this thread
    JAX_ENABLE_X64=1 python program.py            # from outside, read once at import
    minijax options                               # all of them, and their values

One place holds the values: `flags`, a `threading.local`. An attribute of its *class* is the value
of the process; an attribute of the *instance* is this thread's override. So a read is one look-up
(`flags.jax_enable_x64`, 40 ns; `config.jax_enable_x64`, the public name, 80 ns), and both kinds of
change are one assignment.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import operator
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn


class Flags(threading.local):
    """The values of all options, as this thread sees them.

    `state` is another object after each change for the process, and None inside of an override: who
    finds the same one again need not read the options again. `meshes` is no option, but it changes
    what is traced, too: the last one is that of the context (`set_mesh` in `parallel/meshes.py`).
    """

    state: object = None
    meshes: tuple = ()


flags = Flags()
_MISSING = object()
_options: dict[str, Option] = {}


class Option:
    """One option. `option(value)` overrides it in a `with` block, or as a decorator.

    `parse` checks a new value and raises ValueError. The option is read from the environment
    variable of its name in capitals when it is declared.

    >>> from minijax.config import config, enable_x64
    >>> with enable_x64(True):
    ...     config.jax_enable_x64
    True
    >>> config.jax_enable_x64
    False
    """

    def __init__(self, name: str, default: Any, parse: Callable[[Any], Any], doc: str):
        self.name, self.parse, self.__doc__ = name, parse, doc
        _options[name] = self
        setattr(Config, name, property(lambda config: getattr(flags, name), doc=doc))
        self.set(os.environ.get(name.upper(), default))

    @property
    def value(self) -> Any:
        """The value in this thread."""
        return getattr(flags, self.name)

    def set(self, value: Any) -> None:
        """Change the value of the process. Threads inside an override keep theirs."""
        setattr(Flags, self.name, self._checked(value))
        Flags.state = object()

    def __call__(self, value: Any = _MISSING) -> contextlib.AbstractContextManager:
        if value is _MISSING and self.parse is not truth:
            raise TypeError(
                f"Context manager for {self.name.removeprefix('jax_')} config option requires an "
                f"argument representing the new value for the config option, for example "
                f"{self.value!r}."
            )
        return self._overridden(True if value is _MISSING else self._checked(value))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"the option {self.name} is always true as an object; "
            f"read its value with jax.config.{self.name}"
        )

    def _checked(self, value: Any) -> Any:
        try:
            return self.parse(value)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from None

    @contextlib.contextmanager
    def _overridden(self, value: Any) -> Iterator[None]:
        mine = vars(flags)  # the instance dictionary, one per thread
        saved = {name: mine[name] for name in (self.name, "state") if name in mine}
        mine |= {self.name: value, "state": None}
        try:
            yield
        finally:
            del mine[self.name], mine["state"]
            mine |= saved


class Config:
    """The options of the process: `jax.config`. Attributes read them, `update` changes one.

    >>> from minijax.config import config
    >>> config.update("jax_enable_x46", True)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    ...
    AttributeError: Unrecognized config option: jax_enable_x46.
        Did you mean jax_enable_x64 or jax_enable_checks?
    """

    def update(self, name: str, value: Any) -> None:
        """Set an option for the process. AttributeError: no such option. ValueError: bad value."""
        if name not in _options:
            raise AttributeError(f"Unrecognized config option: {name}. {_near(name)}")
        _options[name].set(value)

    @property
    def values(self) -> dict[str, Any]:
        """Every option and its value in this thread."""
        return {name: option.value for name, option in _options.items()}

    @property
    def x64_enabled(self) -> bool:
        return flags.jax_enable_x64

    def trace_context(self) -> tuple:
        """The values that change what is traced: part of every key of a trace cache."""
        return _read_context(flags)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"'Config' object has no attribute '{name}'. {_near(name)}")

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"options are not set by assignment; use jax.config.update({name!r}, {value!r})"
        )


def _near(name: str) -> str:
    """A sentence with the options whose names look like `name`."""
    near = difflib.get_close_matches(name, _options, cutoff=0.7)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return "jax.config.values lists the options."


config = Config()

# --- the options -----------------------------------------------------------------------------
# Each kind of value is a function that returns the checked value or raises ValueError.

_TRUTH = dict.fromkeys(("y", "yes", "t", "true", "on", "1"), True)
_TRUTH |= dict.fromkeys(("n", "no", "f", "false", "off", "0"), False)


def truth(value: Any) -> bool:
    """A boolean, or the words that environment variables use for one."""
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in _TRUTH:
        raise ValueError(f"invalid truth value {value!r}; use one of {', '.join(_TRUTH)}")
    return _TRUTH[value.lower()]


def integer(value: Any) -> int:
    try:
        return operator.index(int(value) if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise ValueError(
            f"new int config value must be of type int, got {value} of type {type(value)}"
        ) from None


def text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(
            "new string config value must be None or of type str, "
            f"got {value} of type {type(value)}"
        )
    return value


def device(value: Any) -> Any:
    """None, a platform's name, or a `Device` (known by its platform: its class is further out)."""
    if value in ("gpu", "tpu"):
        raise RuntimeError(f"Unknown backend: '{value}' requested. Platforms present are: cpu")
    if value not in (None, "cpu") and not hasattr(value, "platform"):
        raise ValueError(
            "jax.default_device must be passed either a Device object (e.g. "
            f"`jax.devices('cpu')[0]`) or a platform name string like 'cpu', got: {value!r}"
        )
    return None if value == "cpu" else value  # its first device: where arrays are anyway


def one_of(*allowed: str | None) -> Callable[[Any], str | None]:
    def parse(value: Any) -> str | None:
        if value not in allowed:
            raise ValueError(
                f"new enum value must be in {list(allowed)}, got {value} of type {type(value)}"
            )
        return value

    return parse


enable_x64 = Option(
    "jax_enable_x64", False, truth,
    "Let arrays have 64-bit elements. Otherwise they become 32-bit ones.")
disable_jit = Option(
    "jax_disable_jit", False, truth,
    "Run the functions under `jit` as plain Python, operation by operation.")
numpy_dtype_promotion = Option(
    "jax_numpy_dtype_promotion", "standard", one_of("standard", "strict"),
    "'strict': arrays of different dtypes do not combine; only Python scalars adapt.")
numpy_rank_promotion = Option(
    "jax_numpy_rank_promotion", "allow", one_of("allow", "warn", "raise"),
    "What happens when operands of different ranks are broadcast against each other.")
default_matmul_precision = Option(
    "jax_default_matmul_precision", None,
    one_of(None, "default", "high", "highest", "bfloat16", "tensorfloat32", "float32"),
    "The precision of matrix products that name none. On a CPU all are full precision.")
default_device = Option(
    "jax_default_device", None, device, "The device of new arrays; None is the first one.")
threefry_partitionable = Option(
    "jax_threefry_partitionable", True, truth,
    "Random bits that do not depend on how an array is split: always so here; False has no effect.")
default_prng_impl = Option(
    "jax_default_prng_impl", "threefry2x32", one_of("threefry2x32"),
    "The generator behind `jax.random.key`.")
debug_nans = Option(
    "jax_debug_nans", False, truth, "Raise FloatingPointError where an operation gives NaN.")
debug_infs = Option(
    "jax_debug_infs", False, truth, "Raise FloatingPointError where an operation gives infinity.")
enable_checks = Option(
    "jax_enable_checks", False, truth, "Type-check every program that is built.")
check_tracer_leaks = Option(
    "jax_check_tracer_leaks", False, truth,
    "Look for escaped traced values when a trace ends, not at their next use.")
log_compiles = Option(
    "jax_log_compiles", False, truth, "Log every trace and every compilation as a warning.")
traceback_filtering = Option(
    "jax_traceback_filtering", "auto",
    one_of("off", "tracebackhide", "remove_frames", "quiet_remove_frames", "auto"),
    "Which of the library's own frames tracebacks show.")
platforms = Option(
    "jax_platforms", None, text, "The platforms to use. There is one: no effect.")
platform_name = Option(
    "jax_platform_name", "", text, "The platform to use. There is one: no effect.")
num_cpu_devices = Option(
    "jax_num_cpu_devices", -1, integer,
    "How many CPU devices there are, at any time. -1: what XLA_FLAGS says, or one.")

checking_leaks = functools.partial(check_tracer_leaks, True)

_read_context = operator.attrgetter(
    "jax_enable_x64", "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion",
    "jax_default_matmul_precision", "jax_default_device", "jax_threefry_partitionable",
    "jax_disable_jit", "meshes")
