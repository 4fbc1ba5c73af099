"""Options: defaults, updates, overrides in one thread, the environment; against real JAX."""

import os
import subprocess
import sys
import threading

import jax
import pytest

from minijax.config import (
    Option,
    checking_leaks,
    config,
    debug_nans,
    default_matmul_precision,
    disable_jit,
    enable_x64,
    flags,
    numpy_dtype_promotion,
    numpy_rank_promotion,
)

from .tiers import heavy

OPTIONS = [n for n in config.values if n.startswith("jax_")]  # the others are our own
MANAGERS = [n for n, x in vars(sys.modules["minijax.config"]).items() if isinstance(x, Option)]


@pytest.fixture
def option():
    """An option of our own, removed afterwards."""
    module = sys.modules["minijax.config"]
    made = Option("jax_test_option", 1, module.integer, "For this test.")
    yield made
    del module._options["jax_test_option"]
    delattr(module.Flags, "jax_test_option")
    delattr(module.Config, "jax_test_option")


@pytest.mark.parametrize("name", OPTIONS)
def test_options_and_defaults_are_those_of_jax(name):
    assert name.upper() not in os.environ
    assert config.values[name] == jax.config.values[name]
    assert getattr(config, name) == getattr(flags, name) == config.values[name]


def test_there_is_a_context_manager_for_each_that_jax_has():
    theirs = {n for n in MANAGERS if hasattr(jax, n)} | {"checking_leaks", "disable_jit"}
    assert theirs >= {"enable_x64", "debug_nans", "debug_infs", "numpy_dtype_promotion",
                      "numpy_rank_promotion", "log_compiles", "check_tracer_leaks",
                      "default_matmul_precision", "threefry_partitionable", "default_device"}


BAD = [("jax_numpy_dtype_promotion", "foo"), ("jax_numpy_rank_promotion", "foo"),
       ("jax_num_cpu_devices", "x"), ("jax_default_matmul_precision", "x"), ("jax_platforms", 3),
       ("jax_default_device", 3), ("jax_numpy_rank_promotion", None),
       ("jax_traceback_filtering", 1), ("jax_default_prng_impl", "foo")]


@pytest.mark.parametrize("name, value", BAD)
def test_bad_values_are_refused_as_in_jax(name, value):
    before = config.values
    for update in (config.update, jax.config.update):
        with pytest.raises(ValueError):
            update(name, value)
    with pytest.raises(ValueError, match=name):
        config.update(name, value)
    assert config.values == before


def test_unknown_names():
    for call in (lambda c: c.update("jax_enable_x46", True), lambda c: c.jax_enable_x46):
        with pytest.raises(AttributeError):
            call(jax.config)
        with pytest.raises(AttributeError, match=r"jax_enable_x46.*Did you mean jax_enable_x64"):
            call(config)
    with pytest.raises(AttributeError, match=r"^Unrecognized config option: qqq"):
        config.update("qqq", 1)
    assert not hasattr(config, "x")


def test_assignment_is_refused():
    for c in (config, jax.config):
        with pytest.raises(AttributeError):
            c.jax_enable_x64 = True
    with pytest.raises(AttributeError, match=r"config.update\('jax_enable_x64', True\)"):
        config.jax_enable_x64 = True
    assert config.jax_enable_x64 is False


def test_update_is_for_every_thread(option):
    config.update("jax_test_option", 2)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(flags.jax_test_option))
    thread.start()
    thread.join()
    assert seen == [2] and config.jax_test_option == option.value == 2


def test_an_override_is_for_one_block_of_one_thread(option):
    seen, inside, done = [], threading.Event(), threading.Event()

    def other():
        inside.wait(10)
        seen.append(option.value)
        with option(7):
            config.update("jax_test_option", 5)
            seen.append(option.value)
        seen.append(option.value)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with option(2):
        assert option.value == config.jax_test_option == 2
        with option(3):
            assert option.value == 3
        assert option.value == 2
        inside.set()
        assert done.wait(10)
        assert option.value == 2  # the other thread's update does not reach into our block
    thread.join()
    assert option.value == 5 and seen == [1, 7, 5]


def test_an_override_ends_with_an_exception():
    with pytest.raises(KeyError), enable_x64(True):
        assert config.x64_enabled
        raise KeyError
    assert not config.x64_enabled


def test_an_override_is_a_decorator_too():
    @enable_x64(True)
    def depth(n):
        assert flags.jax_enable_x64
        return n and 1 + depth(n - 1)

    assert depth(3) == 3 == depth(3) and not flags.jax_enable_x64


def test_the_argument_of_an_override():
    for manager in (enable_x64, disable_jit, debug_nans):
        with manager():
            assert manager.value is True
            with manager(False):
                assert manager.value is False
    with checking_leaks():
        assert config.jax_check_tracer_leaks
    with numpy_rank_promotion("raise"), default_matmul_precision("highest"):
        assert config.jax_numpy_rank_promotion == "raise"
    for ours, theirs in ((numpy_dtype_promotion, jax.numpy_dtype_promotion),
                         (numpy_rank_promotion, jax.numpy_rank_promotion)):
        for manager in (ours, theirs):
            with pytest.raises(TypeError, match="requires an argument representing the new value"):
                manager()
            with pytest.raises(ValueError):
                manager("foo")


def test_an_option_is_not_its_value():
    for option in (enable_x64, jax.enable_x64):
        with pytest.raises(TypeError):
            bool(option)


def test_the_words_for_truth():
    with enable_x64("off"):
        assert config.jax_enable_x64 is False  # where bool("off") would be True
    with enable_x64("True"):
        assert config.jax_enable_x64 is True
    with pytest.raises(ValueError, match="jax_enable_x64: invalid truth value 'maybe'"):
        enable_x64("maybe")


def test_the_trace_context_is_a_key():
    plain = config.trace_context()
    for changed in (enable_x64(True), numpy_dtype_promotion("strict"), disable_jit(True),
                    numpy_rank_promotion("raise"), default_matmul_precision("float32")):
        with changed:
            assert hash(config.trace_context()) and config.trace_context() != plain
    with debug_nans(True):
        assert config.trace_context() == plain == config.trace_context()


def run(code, **env):
    return subprocess.run([sys.executable, "-c", code], env=os.environ | env, text=True,
                          capture_output=True, timeout=120)


@heavy
def test_the_environment_is_read_as_in_jax():
    env = {"JAX_ENABLE_X64": "1", "JAX_NUMPY_DTYPE_PROMOTION": "strict", "JAX_DEBUG_NANS": "yes",
           "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "3",
           "JAX_THREEFRY_PARTITIONABLE": "FALSE", "JAX_DEFAULT_MATMUL_PRECISION": "high"}
    names = [n.lower() for n in env]
    show = f"; print([str(getattr(config, n)) for n in {names}])"
    ours, theirs = (run(f"from {m} import config{show}", **env) for m in ("minijax.config", "jax"))
    assert ours.stdout == theirs.stdout != "", ours.stderr
    assert eval(ours.stdout) == ["True", "strict", "True", "cpu", "3", "False", "high"]


@pytest.mark.parametrize("name, value", [("JAX_ENABLE_X64", "maybe"), ("JAX_NUM_CPU_DEVICES", "x"),
                                         ("JAX_NUMPY_RANK_PROMOTION", "foo")])
def test_a_bad_environment_is_refused_by_name(name, value):
    out = run("import minijax.config", **{name: value})
    assert out.returncode != 0
    assert f"ValueError: {name.lower()}: " in out.stderr and value in out.stderr
