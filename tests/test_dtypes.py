"""Dtypes and promotion, against real JAX in all its modes."""

import contextlib
import copy
import itertools
import pickle
import random
import warnings
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax._src import dtypes as oracle

from minijax import dtypes, promotion
from minijax.config import enable_x64, flags, numpy_dtype_promotion
from minijax.core import ShapedArray
from minijax.numpy.scalar_types import SCALAR_CLASSES, ScalarMeta

NUMBERS = [d for kind in ("bool", "numeric") for d in dtypes.KINDS[kind]]
COMMON = [np.dtype(n) for n in """bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16
    bfloat16 float32 float64 complex64 complex128""".split()]
MODES = [(x64, mode) for x64 in (False, True) for mode in ("standard", "strict")]
SCALARS = [True, 1, 1.0, 1j]


@contextlib.contextmanager
def both(x64=False, mode="standard"):
    """One setting, in minijax and in JAX."""
    with (enable_x64(x64), numpy_dtype_promotion(mode),
          jax.enable_x64(x64), jax.numpy_dtype_promotion(mode)):
        yield


def outcome(f, *args):
    """What a call gives, as data: its value, or the class of its error."""
    try:
        return f(*args)
    except Exception as error:
        return next(c for c in type(error).__mro__ if c.__module__ == "builtins")


def as_data(x):
    return "TypePromotionError" if isinstance(x, type) and issubclass(x, ValueError) else x


def jax_values(x64):
    """{(dtype, weak_type): what JAX takes for a value of it}, for every type of this mode."""
    types = [d for d in NUMBERS if x64 or d.itemsize < 8 or d == "complex64"]
    return {(d, w): SimpleNamespace(dtype=d, aval=jax.core.ShapedArray((), d, weak_type=w))
            for d in types for w in (False, True)}


# --- promotion -------------------------------------------------------------------------------


@pytest.mark.parametrize("x64, mode", MODES)
def test_every_pair_promotes_as_in_jax(x64, mode):
    with both(x64, mode):
        values = jax_values(x64)
        assert len(values) > 40
        for a, b in itertools.product(values, repeat=2):
            ours = as_data(outcome(dtypes.lattice_result_type, a, b))
            theirs = as_data(outcome(oracle.lattice_result_type, values[a], values[b]))
            assert ours == theirs, (a, b)


@pytest.mark.parametrize("x64, mode", MODES)
def test_more_than_two_promote_as_in_jax(x64, mode):
    choose = random.Random(0)
    with both(x64, mode):
        values = {t: v for t, v in jax_values(x64).items() if t[0] in COMMON}
        for _ in range(1500):
            types = choose.choices([*values], k=choose.choice([1, 3, 4, 5]))
            ours = as_data(outcome(dtypes.lattice_result_type, *types))
            theirs = as_data(outcome(oracle.lattice_result_type, *[values[t] for t in types]))
            assert ours == theirs, types


@pytest.mark.parametrize("x64", [False, True])
def test_promotion_is_what_jax_add_does(x64):
    with both(x64):
        values = {(d, w): jax.ShapeDtypeStruct((), d, weak_type=w)
                  for d, w in jax_values(x64) if d in COMMON}
        for a, b in itertools.combinations_with_replacement(values, 2):
            out = jax.eval_shape(jnp.add, values[a], values[b])
            assert dtypes.lattice_result_type(a, b) == (out.dtype, out.weak_type), (a, b)


@pytest.mark.parametrize("x64, mode", MODES)
def test_promotion_is_a_join(x64, mode):
    """Commutative, idempotent, and above both: joining the result again changes nothing."""
    with both(x64, mode):
        types = [(d, False) for d in COMMON if dtypes.canonical_dtype(d) == d]
        types += [(dtypes.python_scalar(cls), True) for cls in (int, float, complex)]
        for a, b in itertools.product(types, repeat=2):
            joined = outcome(dtypes.lattice_result_type, a, b)
            assert joined == outcome(dtypes.lattice_result_type, b, a)
            if isinstance(joined, tuple):
                assert dtypes.lattice_result_type(a, joined) == joined
        for t in types:
            assert dtypes.lattice_result_type(t, t) == t == dtypes.lattice_result_type(t)


def test_the_lattice_has_one_least_bound_for_any_two_types_that_have_a_bound():
    for reach in (promotion._REACH, promotion._REACH_32, promotion._REACH_STRICT):
        for a, b in itertools.combinations(reach, 2):
            common = reach[a] & reach[b]
            assert len([c for c in common if common <= reach[c]]) == bool(common), (a, b)
        assert not [(a, b) for a, b in itertools.permutations(reach, 2)
                    if a in reach[b] and b in reach[a]], "a cycle"


def test_promotion_takes_avals():
    x, weak = ShapedArray((3,), np.float16), ShapedArray((), np.int32, True)
    assert dtypes.lattice_result_type(x, weak, (np.dtype("float32"), False)) == ("float32", False)
    assert dtypes.lattice_result_type(weak, weak) == (np.dtype("int32"), True)


@pytest.mark.parametrize("x64, mode", MODES)
def test_promote_types_as_in_jax(x64, mode):
    with both(x64, mode):
        for a, b in itertools.product([*NUMBERS, bool, int, float, complex, "float16"], repeat=2):
            ours = as_data(outcome(dtypes.promote_types, a, b))
            assert ours == as_data(outcome(oracle.promote_types, a, b)), (a, b)


@pytest.mark.parametrize("x64, mode", MODES)
def test_result_type_of_values_and_dtypes_as_in_jax(x64, mode):
    values = [*SCALARS, bool, int, float, complex, None, "float16", "bfloat16", np.dtype("int8"),
              np.float32, jnp.uint8, np.int16(3), np.float64(2), np.zeros(3), np.arange(3),
              np.array(True), np.ones(2, ml_dtypes.bfloat16), "float64"]
    with both(x64, mode), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for args in [(v,) for v in values] + [*itertools.product(values, repeat=2)]:
            for flag in (False, True):
                ours, theirs = (as_data(outcome(partial(f, *args, return_weak_type_flag=flag)))
                                for f in (dtypes.result_type, oracle.result_type))
                assert ours == theirs, args


def test_64_bit_arrays_outside_of_x64_promote_as_in_jax():
    names = ["int64", "uint64", "float64", "complex128", "int32", "float32"]
    with jax.enable_x64(True):
        values = [1, 1.0, *[jnp.zeros((), n) for n in names]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for args in [*itertools.product(values, repeat=2), *[(v,) for v in values]]:
            assert dtypes.result_type(*args) == oracle.result_type(*args), args


@pytest.mark.parametrize("bad", [[1, 2], "foo", object, object(), "U3", ">i4", {}, ()])
def test_result_type_refuses_what_jax_refuses(bad):
    assert outcome(dtypes.result_type, bad) is outcome(oracle.result_type, bad) is TypeError


def test_result_type_of_nothing():
    with pytest.raises(ValueError, match="at least one array or dtype is required"):
        dtypes.result_type()


def test_errors_of_promotion_say_what_to_do():
    with pytest.raises(dtypes.TypePromotionError, match=r"int4.*int8.*astype"):
        dtypes.promote_types("int4", "int8")
    with (numpy_dtype_promotion("strict"),
          pytest.raises(dtypes.TypePromotionError, match="jax_numpy_dtype_promotion=strict")):
        dtypes.promote_types("int32", "float32")
    assert issubclass(dtypes.TypePromotionError, ValueError)
    assert dtypes.promote_types("int32", "float32") == np.float32  # and the next call works


@pytest.mark.parametrize("other, weak", [("float32", False), ("int32", True), ("bool", False),
                                         (dtypes.float0, False)])
def test_keys_combine_with_keys_only(other, weak):
    key, other = (dtypes.key_dtype, False), (np.dtype(other), weak)
    assert dtypes.lattice_result_type(key, key) == key
    for pair in (key, other), (other, key):
        with pytest.raises(TypeError, match="key<fry>"):
            dtypes.lattice_result_type(*pair)
    assert issubclass(promotion.InvalidPromotionError, ValueError)  # as in jnp.result_type


# --- which dtypes are in use -------------------------------------------------------------------


@pytest.mark.parametrize("x64", [False, True])
def test_canonical_dtypes_as_in_jax(x64):
    with both(x64):
        for d in NUMBERS:
            assert dtypes.canonical_dtype(d) == oracle.canonicalize_dtype(d)
            assert dtypes.canonicalize_dtype(d.type) == oracle.canonicalize_dtype(d.type)
            assert dtypes.canonicalize_value_dtype(np.zeros(2, d)) == oracle.canonicalize_dtype(d)
        for x in [float, int, complex, bool, None, "float64", "int16"]:
            assert dtypes.canonicalize_dtype(x) == oracle.canonicalize_dtype(x)
        for cls in (bool, int, float, complex):
            assert dtypes.python_scalar(cls) == jnp.asarray(cls(1)).dtype
        assert dtypes.default_float_dtype() == jnp.zeros(()).dtype
        assert dtypes.default_int_dtype() == jnp.arange(2).dtype


def test_only_exact_python_classes_are_python_scalars():
    assert dtypes.python_scalar(np.float64) is None  # although it is a subclass of float
    assert dtypes.python_scalar(str) is None
    assert set(dtypes.PYTHON_SCALARS) == {bool, int, float, complex}


def test_extended_dtypes_are_their_own_canonical_form():
    for d in (dtypes.key_dtype, dtypes.float0):
        assert dtypes.canonical_dtype(d) is d
    assert dtypes.canonicalize_dtype(dtypes.key_dtype, True) is dtypes.key_dtype
    with pytest.raises(ValueError, match="key<fry>"):
        dtypes.canonicalize_dtype(dtypes.key_dtype)


def test_values_that_are_not_numbers_are_refused():
    with pytest.raises(TypeError, match=r"'\['a'\]' of type .*dtype <U1 is not a valid"):
        dtypes.canonicalize_value_dtype(np.array(["a"]))
    with pytest.raises(TypeError, match="newbyteorder"):
        dtypes.canonicalize_value_dtype(np.arange(3, dtype=">i4"))
    with pytest.raises(TypeError, match="datetime64"):
        dtypes.canonical_dtype(np.dtype("datetime64[s]"))


REQUESTS = [*[d.type for d in NUMBERS], *[d.name for d in COMMON], int, float, complex, bool,
            object, "foo", ">i4", "U3", "datetime64[s]", None]


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_requested_dtype_is_checked_as_in_jax(request_, x64):
    def ask(check):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            got = outcome(check, request_, "zeros")
        head = " is not available, and will be truncated to dtype "
        return got, [(w.category, str(w.message).partition(head)[0],
                      str(w.message).partition(head)[2].split(".")[0]) for w in caught]

    with both(x64):
        assert ask(dtypes.check_user_dtype_supported) == ask(
            oracle.check_and_canonicalize_user_dtype)


def test_the_warning_about_64_bits_blames_the_user():
    def zeros(dtype):
        return dtypes.check_user_dtype_supported(dtype, "zeros")

    with pytest.warns(UserWarning, match="float64 requested in zeros .* float32") as w:
        assert zeros("float64") == "float32"
    assert w[0].filename == __file__ and w[0].lineno > zeros.__code__.co_firstlineno + 1
    assert "jax_enable_x64" in str(w[0].message)


def test_an_array_is_not_a_dtype():
    class Traced:
        aval = ShapedArray((), np.float32)

    with pytest.raises(ValueError, match=r"dtype=arr\.dtype"):
        dtypes.check_user_dtype_supported(Traced(), "zeros")


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("n", [2**31, -2**31 - 1, 2**63, -2**63 - 1, 10**400, 2**31 - 1, -2**31, 0])
def test_python_integers_overflow_as_in_jax(n, x64):
    def run(f):
        try:
            x = f(n)
            return str(x.dtype), int(x)
        except OverflowError as error:
            return str(error)

    with both(x64):
        assert run(dtypes.coerce_to_array) == run(jnp.array)
        fits = -2**63 <= n < 2**63 if x64 else -2**31 <= n < 2**31
        assert isinstance(run(dtypes.coerce_to_array), tuple) == fits


@pytest.mark.parametrize("name", ["int8", "uint8", "uint32", "int32"])
@pytest.mark.parametrize("n", [-1, 127, 128, 256, 2**31, 2**32, 2**40])
def test_python_integers_overflow_a_given_dtype_as_in_jax(name, n):
    ours = outcome(lambda: int(dtypes.coerce_to_array(n, np.dtype(name))))
    assert ours == outcome(lambda: int(jnp.asarray(n, name)))


def test_python_scalars_become_default_dtypes():
    for x in SCALARS:
        ours = dtypes.coerce_to_array(x)
        assert ours.dtype == jnp.asarray(x).dtype and ours == x


# --- kinds and names ---------------------------------------------------------------------------

ABSTRACT = [np.generic, np.number, np.integer, np.signedinteger, np.unsignedinteger, np.inexact,
            np.floating, np.complexfloating, np.flexible, np.void, np.bool_]


def test_issubdtype_as_in_jax():
    for a in [*NUMBERS, dtypes.float0, float, int, bool, None, "bfloat16"]:
        for b in [*ABSTRACT, *NUMBERS, float, int]:
            assert dtypes.issubdtype(a, b) is oracle.issubdtype(a, b), (a, b)
    for a, b in itertools.product(ABSTRACT, repeat=2):
        assert dtypes.issubdtype(a, b) is oracle.issubdtype(a, b), (a, b)
    for bad in ("foo", 3):
        assert outcome(dtypes.issubdtype, bad, np.floating) is TypeError


def test_issubdtype_of_keys_as_in_jax():
    theirs = jax.random.key(0).dtype
    for ours in (dtypes.key_dtype, dtypes.public_dtype(dtypes.key_dtype), dtypes.prng_key):
        for b in ABSTRACT:
            assert dtypes.issubdtype(ours, b) is oracle.issubdtype(theirs, b), b
        assert dtypes.issubdtype(ours, dtypes.prng_key)
        assert dtypes.issubdtype(ours, dtypes.extended)
    assert not dtypes.issubdtype(np.float32, dtypes.extended)
    assert not dtypes.issubdtype(dtypes.float0, dtypes.extended)


def test_isdtype_as_in_jax():
    kinds = [*oracle._dtype_kinds, "float32", jnp.float32, object, ("bool", np.float16), "foo", 3,
             ()]
    assert set(dtypes.KINDS) == set(oracle._dtype_kinds)
    for d, kind in itertools.product(NUMBERS, kinds):
        assert outcome(dtypes.isdtype, d, kind) == outcome(oracle.isdtype, d, kind), (d, kind)


def test_kinds_agree_with_issubdtype():
    classes = {"b": np.bool_, "i": np.signedinteger, "u": np.unsignedinteger, "f": np.floating,
               "c": np.complexfloating}
    for d in NUMBERS:
        assert oracle.issubdtype(d, classes[dtypes.kind(d)])
        assert dtypes.is_inexact(d) == oracle.issubdtype(d, np.inexact)
    for d in (dtypes.key_dtype, dtypes.float0):
        assert dtypes.kind(d) == "V" and not dtypes.is_inexact(d)


def test_names_as_in_jax():
    for d in NUMBERS:
        assert dtypes.short_name(d) == oracle.short_dtype_name(d)
        assert dtypes.name(d) == jax.core.ShapedArray((), d).str_short().partition("[")[0]
    key = jax.random.key(0)
    assert dtypes.short_name(dtypes.key_dtype) == dtypes.name(dtypes.key_dtype) == str(key.dtype)
    float0 = jax.core.ShapedArray((), jax.dtypes.float0).str_short()
    assert f"{dtypes.name(dtypes.float0)}[]" == float0


@pytest.mark.parametrize("x64", [False, True])
def test_numeric_conversions_as_in_jax(x64):
    with both(x64):
        for d in NUMBERS:
            if d.name in ("int1", "int2", "uint1", "uint2"):  # JAX leaves these as integers
                assert dtypes.to_inexact_dtype(d) == np.float32
                continue
            assert dtypes.to_inexact_dtype(d) == oracle.to_inexact_dtype(d)
            assert dtypes.to_floating_dtype(d) == oracle.to_floating_dtype(d)
            assert dtypes.to_complex_dtype(d) == oracle.to_complex_dtype(d)


def test_finfo_and_iinfo_as_in_jax():
    for d in NUMBERS:
        info = dtypes.finfo if dtypes.is_inexact(d) else dtypes.iinfo
        theirs = jnp.finfo if dtypes.is_inexact(d) else jnp.iinfo
        if d.kind == "b":
            assert outcome(info, d) is outcome(theirs, d) is ValueError
            continue
        fields = ("dtype", "bits", "min", "max", *["eps", "tiny", "smallest_subnormal"]
                  * dtypes.is_inexact(d))
        assert repr(info(d)) == repr(theirs(d))
        assert [getattr(info(d), f) for f in fields] == [getattr(theirs(d), f) for f in fields]


# --- keys --------------------------------------------------------------------------------------


def keys(shape):
    key = np.zeros(shape, dtypes.key_dtype)
    key["key<fry>"] = np.arange(2 * key.size, dtype=np.uint32).reshape(*shape, 2)
    return key


def test_arrays_of_keys_are_arrays():
    k = keys((2, 3))
    assert k.shape == (2, 3) and k.itemsize == 8 == jax.random.key(0).dtype.itemsize
    for view in (k[0], k.T, k[:, None], np.broadcast_to(k, (4, 2, 3)), np.concatenate([k, k]),
                 np.stack([k, k]), np.take(k, [1], 0), np.where(k == k, k, k), k[k == k],
                 pickle.loads(pickle.dumps(k)), copy.deepcopy(k)):
        assert dtypes.is_key_dtype(view.dtype) and dtypes.canonical_dtype(view.dtype)
    assert (k.T["key<fry>"] == k["key<fry>"].swapaxes(0, 1)).all()
    assert not any(map(dtypes.is_key_dtype, [*NUMBERS, dtypes.float0]))


@pytest.mark.parametrize("shape", [(), (3,), (2, 2), (0, 2), (700,)])
def test_keys_print_as_in_jax(shape):
    k = keys(shape)
    theirs = jax.random.wrap_key_data(jnp.asarray(k["key<fry>"]))
    assert dtypes.key_text(k) == repr(theirs)
    assert dtypes.key_text(np.zeros(3)) == ""


def test_the_dtype_of_keys_that_users_see():
    shown, theirs = dtypes.public_dtype(dtypes.key_dtype), jax.random.key(0).dtype
    for attribute in ("name", "itemsize"):
        assert getattr(shown, attribute) == getattr(theirs, attribute)
    assert repr(shown) == repr(theirs) and str(shown) == str(theirs)
    assert shown.type is dtypes.prng_key and shown.type.__name__ == theirs.type.__name__
    assert np.dtype(shown) is dtypes.key_dtype and np.zeros(2, shown).dtype == dtypes.key_dtype
    assert shown == dtypes.key_dtype and dtypes.key_dtype == shown and shown != np.dtype("f4")
    assert shown != "nonsense" and shown != "float32" and {shown: 1}[dtypes.key_dtype] == 1
    assert dtypes.check_user_dtype_supported(shown) is dtypes.key_dtype
    assert dtypes.public_dtype(np.dtype("f4")) == np.dtype("f4")


# --- jnp.float32 and its kin -------------------------------------------------------------------

ALIASES = ["bool_", "int_", "uint", "float_", "complex_", "single", "double", "csingle", "cdouble"]


@pytest.mark.parametrize("name", [*[d.name for d in NUMBERS], *ALIASES])
def test_scalar_classes_are_those_of_jax(name):
    ours, theirs = SCALAR_CLASSES[name], getattr(jnp, name)
    assert repr(ours) == repr(theirs) and ours.__name__ == theirs.__name__
    assert np.dtype(ours) == ours.dtype == theirs.dtype
    assert ours.dtype == ours and ours == ours.dtype.type and hash(ours) == hash(theirs)
    assert {ours: 1}[ours.dtype.type] == 1 and ours != ours.dtype.name and ours != np.str_
    assert np.zeros(2).astype(ours).dtype == ours
    assert isinstance(ours.dtype.type(1), ours) and not isinstance(1, ours)
    assert pickle.loads(pickle.dumps(ours)) is ours is copy.deepcopy(ours)


def test_every_scalar_class_of_jax_is_there():
    theirs = {n for n, x in vars(jnp).items() if type(x).__name__ == "_ScalarMeta"}
    assert theirs == set(SCALAR_CLASSES)


def test_scalar_classes_name_dtypes_everywhere():
    f32, i8 = SCALAR_CLASSES["float32"], SCALAR_CLASSES["int8"]
    assert dtypes.result_type(f32, i8, 1) == np.float32
    assert dtypes.promote_types(i8, int) == np.int8
    assert dtypes.issubdtype(f32, np.floating) and dtypes.issubdtype(f32, f32)
    assert dtypes.check_user_dtype_supported(i8, "zeros") == np.int8
    assert dtypes.finfo(f32).bits == 32 and dtypes.iinfo(i8).max == 127
    with pytest.raises(TypeError):
        f32()


def test_calling_a_scalar_class_makes_an_array(monkeypatch):
    made = []
    monkeypatch.setattr(ScalarMeta, "make_array",
                        staticmethod(lambda x, dtype: made.append((x, dtype)) or "array"))
    assert SCALAR_CLASSES["int8"](3) == "array"
    assert made == [(3, np.dtype("int8"))]
    with pytest.raises(OverflowError):
        monkeypatch.undo() or SCALAR_CLASSES["int8"](300)


def test_one_thing_does_not_leak_into_the_next():
    assert not flags.jax_enable_x64
    assert flags.jax_numpy_dtype_promotion == "standard"
