"""The names that JAX's documents use: those that are here, and those that wait for a later issue.

The names were counted over 62 tutorials, guides and examples of JAX. `HERE` must exist in minijax
under the same path; `LATER` must not, so a name moves from one table to the other when it is built.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import operator
from typing import Any

import jax
import jax.ad_checkpoint
import jax.custom_derivatives
import jax.example_libraries.optimizers
import jax.example_libraries.stax
import jax.experimental.checkify
import jax.experimental.hijax
import jax.extend.core
import jax.test_util
import numpy as np
import pytest

import minijax

HERE = {
    "jax": """
        Array Device NamedSharding P Ref ShapeDtypeStruct block_until_ready checking_leaks
        checkpoint checkpoint_policies clear_caches closure_convert config custom_gradient
        custom_jvp custom_vjp debug debug_infs debug_nans default_backend default_device
        default_matmul_precision default_prng_impl device_count device_get device_put devices
        disable_jit dtypes effects_barrier enable_checks enable_x64 ensure_compile_time_eval errors
        eval_shape float0 freeze fwd_and_bwd grad hessian jacfwd jacobian jacrev jit jvp lax
        linear_transpose linearize local_device_count local_devices log_compiles make_jaxpr
        make_mesh named_call named_scope new_ref nn numpy numpy_dtype_promotion process_count
        process_index pure_callback random remat reshard scipy set_mesh shard_map sharding smap
        tree tree_util typeof value_and_grad vjp vmap""",
    "jax.ad_checkpoint": "checkpoint_name print_saved_residuals",
    "jax.config": "update jax_enable_x64",
    "jax.core": "ShapedArray Trace Tracer",
    "jax.custom_derivatives": "SymbolicZero closure_convert custom_vjp_primal_tree_values",
    "jax.debug": """
        DebugEffect OrderedDebugEffect breakpoint callback log print visualize_array_sharding""",
    "jax.dtypes": """
        bfloat16 canonicalize_dtype extended finfo float0 iinfo issubdtype prng_key result_type""",
    "jax.errors": """
        ConcretizationTypeError InconclusiveDimensionOperation JAXIndexError JAXTypeError
        JaxRuntimeError JaxprTypeError KeyReuseError NonConcreteBooleanIndexError
        TracerArrayConversionError TracerBoolConversionError TracerIntegerConversionError
        UnexpectedTracerError""",
    "jax.example_libraries.optimizers": "momentum",
    "jax.example_libraries.stax": "Dense FanOut LogSoftmax Relu Softplus parallel serial",
    "jax.experimental": "io_callback",
    "jax.lax": """
        ConvDimensionNumbers DotDimensionNumbers GatherDimensionNumbers GatherScatterMode Precision
        ScatterDimensionNumbers abs acos acosh add all_gather all_to_all argmax argmin asin asinh
        atan atan2 atanh axis_index axis_size batch_matmul bessel_i0e bessel_i1e betainc
        bitcast_convert_type bitwise_and bitwise_not bitwise_or bitwise_xor broadcast
        broadcast_in_dim broadcast_shapes broadcasted_iota cbrt ceil clamp collapse complex
        concatenate cond conj conv conv_dimension_numbers conv_general_dilated conv_transpose
        conv_with_general_padding convert_element_type cos cosh cumlogsumexp cummax cummin cumprod
        cumsum digamma div dot dot_general dynamic_index_in_dim dynamic_slice dynamic_slice_in_dim
        dynamic_update_index_in_dim dynamic_update_slice dynamic_update_slice_in_dim eq erf erf_inv
        erfc exp exp2 exp_p expand_dims expm1 fft floor fori_loop full full_like gather ge gt imag
        index_in_dim integer_pow iota is_finite le lgamma log log1p logistic lt map max min mul ne
        neg nextafter pad pcast pmax pmean pmin population_count pow ppermute psum psum_scatter real
        reciprocal reduce reduce_and reduce_max reduce_min reduce_or reduce_precision reduce_prod
        reduce_sum reduce_window rem reshape rev round rsqrt scan scatter scatter_add scatter_max
        scatter_min scatter_mul select select_n shift_left shift_right_arithmetic
        shift_right_logical sign sin sinh slice slice_in_dim sort sort_key_val sqrt square squeeze
        stop_gradient sub switch tan tanh tanh_p top_k transpose while_loop
        with_sharding_constraint""",
    "jax.nn": """
        celu elu gelu glu hard_sigmoid hard_silu hard_tanh initializers leaky_relu log_sigmoid
        log_softmax logsumexp one_hot relu relu6 selu sigmoid silu soft_sign softmax softplus
        standardize swish tanh""",
    "jax.nn.initializers": """
        constant glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform normal
        ones orthogonal truncated_normal uniform variance_scaling zeros""",
    "jax.numpy": """
        abs absolute add all allclose amax amin angle any append apply_along_axis arange arccos
        arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort argwhere around array
        array_equal asarray astype atleast_1d atleast_2d atleast_3d average bartlett bfloat16
        bincount bitwise_and bitwise_or bitwise_xor blackman block bool_ broadcast_arrays
        broadcast_shapes broadcast_to cbrt ceil clip column_stack complex128 complex64 concatenate
        conj conjugate convolve copy correlate corrcoef cos cosh count_nonzero cov cross cumprod
        cumsum deg2rad degrees delete diag diagonal diff divide divmod dot dsplit dstack dtype e
        einsum empty empty_like equal exp exp2 expand_dims expm1 eye fft finfo flatnonzero flip
        fliplr flipud float16 float32 float64 float_power floating floor floor_divide fmax fmin fmod
        full full_like gradient greater greater_equal hamming hanning heaviside histogram hsplit
        hstack hypot identity iinfo imag indices inexact inf inner insert int16 int32 int64 int8
        integer interp invert isclose iscomplexobj isfinite isin isinf isnan isscalar issubdtype ix_
        kaiser kron less less_equal lexsort linalg linspace log log10 log1p log2 logaddexp
        logaddexp2 logical_and logical_not logical_or logical_xor logspace matmul max maximum mean
        median meshgrid mgrid min minimum mod moveaxis multiply nan nan_to_num nanmax nanmean nanmin
        nansum ndarray ndim negative newaxis nonzero not_equal ogrid ones ones_like outer pad
        percentile pi piecewise polyfit polyval power prod promote_types ptp quantile rad2deg
        radians ravel real reciprocal remainder repeat reshape result_type right_shift rint roll
        rollaxis rot90 round searchsorted select shape sign signbit sin sinc sinh size sort split
        sqrt square squeeze stack std subtract sum swapaxes take take_along_axis tan tanh tensordot
        tile trace transpose trapezoid tri tril tril_indices triu triu_indices true_divide trunc
        uint16 uint32 uint64 uint8 unique unravel_index vander var vdot vectorize vsplit vstack
        where zeros zeros_like""",
    "jax.numpy.fft": """
        fft fft2 fftfreq fftn fftshift ifft ifft2 ifftn ifftshift irfft rfft rfftfreq""",
    "jax.numpy.linalg": """
        cholesky det eigh inv lstsq matrix_power matrix_rank multi_dot norm pinv qr slogdet solve
        svd""",
    "jax.random": """
        PRNGKey bernoulli bits categorical choice exponential fold_in gumbel key key_data normal
        permutation randint split truncated_normal uniform wrap_key_data""",
    "jax.ref": "Ref addupdate freeze get new_ref set swap",
    "jax.scipy.signal": "convolve correlate",
    "jax.scipy.special": """
        digamma entr erf erfc erfinv expit gammaln i0 i1 log_ndtr log_softmax logit logsumexp ndtr
        ndtri softmax xlog1py xlogy""",
    "jax.scipy.stats.norm": "cdf logpdf pdf",
    "jax.sharding": """
        AbstractMesh AxisType Mesh NamedSharding PartitionSpec auto_axes explicit_axes
        get_abstract_mesh reshard set_mesh use_abstract_mesh""",
    "jax.test_util": "check_grads check_jvp check_vjp",
    "jax.tree": "all flatten leaves map reduce structure transpose unflatten",
    "jax.tree_util": """
        Partial keystr register_dataclass register_pytree_node register_pytree_node_class tree_all
        tree_flatten tree_flatten_with_path tree_leaves tree_map tree_map_with_path tree_reduce
        tree_structure tree_transpose tree_unflatten""",
}

LATER = {
    "no issue yet": {
        "jax.experimental.checkify": """
            all_checks check checkify float_checks index_checks user_checks""",
        "jax.experimental.random": "stateful_rng"},
    "no issue yet: JAX's own ways to write rules": {
        "jax.experimental.hijax": """
            HiPspec HiType ShapedArray VJPHiPrimitive Zero instantiate_zeros register_hitype""",
        "jax.extend.core": "Literal Primitive",
        "jax.interpreters.ad": "Zero is_undefined_primal primitive_jvps primitive_transposes",
        "jax.interpreters.batching": "primitive_batchers",
        "jax.interpreters.mlir": "register_lowering"},
}


def spelled_out(table: dict[str, str]) -> list[str]:
    return [f"{module}.{name}" for module, names in table.items() for name in names.split()]


def find(path: str, library: Any) -> Any:
    """What a dotted path that begins with `jax` means in a library. AttributeError: nothing."""
    _, *names = path.split(".")
    for i in range(1, len(names)):
        try:
            importlib.import_module(".".join([library.__name__, *names[:i]]))
        except ModuleNotFoundError:
            break  # an object from here on, or nothing
    return functools.reduce(getattr, names, library)


NAMES = spelled_out(HERE)
MISSING = [path for table in LATER.values() for path in spelled_out(table)]


@pytest.mark.parametrize("path", NAMES)
def test_the_name_is_here(path):
    ours, theirs = find(path, minijax), find(path, jax)
    assert callable(ours) or not callable(theirs)
    if inspect.isfunction(ours):
        assert inspect.getdoc(ours), f"{path} has no docstring"


@pytest.mark.parametrize("path", MISSING)
def test_the_table_of_what_is_missing_is_true(path):
    find(path, jax)
    try:
        find(path, minijax)
    except AttributeError:
        return
    pytest.fail(f"{path} exists: move it from LATER to HERE")


def test_no_name_is_listed_twice():
    assert len(set(NAMES + MISSING)) == len(NAMES + MISSING)


# --- parameters ------------------------------------------------------------------------------

# The keywords that the documents use with each function.
KEYWORDS = {
    "jax.ShapeDtypeStruct": "dtype shape",
    "jax.checkpoint": "policy prevent_cse static_argnums",
    "jax.custom_jvp": "nondiff_argnames nondiff_argnums",
    "jax.custom_vjp": "nondiff_argnames nondiff_argnums",
    "jax.debug.callback": "callback ordered partitioned",
    "jax.debug.print": "fmt ordered partitioned skip_format_check",
    "jax.experimental.io_callback": "callback ordered result_shape_dtypes sharding",
    "jax.grad": "argnums has_aux holomorphic",
    "jax.jit": "donate_argnums static_argnames static_argnums",
    "jax.lax.all_gather": "tiled",
    "jax.lax.all_to_all": "concat_axis split_axis tiled",
    "jax.lax.conv_general_dilated": "padding window_strides",
    "jax.lax.ppermute": "axis_name perm",
    "jax.lax.psum_scatter": "scatter_dimension tiled",
    "jax.make_jaxpr": "return_shape static_argnums",
    "jax.numpy.allclose": "atol rtol",
    "jax.numpy.arange": "dtype",
    "jax.numpy.argmax": "axis",
    "jax.numpy.array": "dtype",
    "jax.numpy.asarray": "dtype",
    "jax.numpy.convolve": "mode",
    "jax.numpy.einsum": "precision",
    "jax.numpy.linspace": "num",
    "jax.numpy.max": "axis",
    "jax.numpy.mean": "axis",
    "jax.numpy.ones": "dtype",
    "jax.numpy.roll": "axis",
    "jax.numpy.rot90": "axes",
    "jax.numpy.split": "axis",
    "jax.numpy.stack": "axis",
    "jax.numpy.sum": "axis",
    "jax.numpy.zeros": "dtype",
    "jax.pure_callback": "callback result_shape_dtypes sharding vmap_method",
    "jax.random.key": "impl",
    "jax.random.normal": "shape",
    "jax.random.split": "num",
    "jax.random.uniform": "dtype shape",
    "jax.scipy.signal.convolve": "mode",
    "jax.scipy.special.logsumexp": "axis keepdims",
    "jax.tree.leaves": "is_leaf",
    "jax.tree.map": "is_leaf",
    "jax.tree.transpose": "inner_treedef outer_treedef pytree_to_transpose",
    "jax.tree_util.register_dataclass": "data_fields meta_fields",
    "jax.value_and_grad": "argnums has_aux allow_int holomorphic",
    "jax.vmap": "axis_name axis_size in_axes out_axes",
}


def parameters(f: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return []


@pytest.mark.parametrize("path", KEYWORDS)
def test_the_keywords_of_the_documents_are_accepted(path):
    names = {p.name for p in parameters(find(path, minijax))}
    assert set(KEYWORDS[path].split()) <= names


OWN_NAMES = {"jax.disable_jit", "jax.numpy.issubdtype"}  # an option; that of `jax.dtypes`


@pytest.mark.parametrize("path", [p for p in NAMES
                                  if inspect.isfunction(find(p, jax)) and p not in OWN_NAMES])
def test_positional_arguments_have_jax_s_places(path):
    """What a call may pass by position has JAX's name and place; JAX may take more of them."""
    ours, theirs = (parameters(inspect.unwrap(find(path, library))) for library in (minijax, jax))
    if not theirs or any(p.kind is p.VAR_POSITIONAL for p in ours):
        return
    places = [[p.name for p in ps if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
              for ps in (ours, theirs)]
    assert places[0] == places[1][: len(places[0])]


# --- objects ---------------------------------------------------------------------------------

ARRAY = """
    T all any argmax argmin argsort astype at block_until_ready clip conj conjugate
    copy cumprod cumsum device diagonal dot dtype flatten imag item itemsize max mean min nbytes
    ndim nonzero prod ravel real repeat reshape round shape size sort squeeze std sum swapaxes take
    tolist trace transpose var view weak_type"""
AT = "add apply divide get max min mul multiply power set subtract"


@pytest.mark.parametrize("name", ARRAY.split())
def test_arrays_and_tracers_have_the_attribute(name):
    x = np.ones((2, 2), np.float32)
    assert hasattr(jax.numpy.array(x), name)
    assert hasattr(minijax.numpy.array(x), name)
    seen = []
    minijax.jit(lambda y: seen.append(hasattr(type(y), name)))(x)
    assert seen == [True]


@pytest.mark.parametrize("name", AT.split())
def test_at_has_the_method(name):
    assert hasattr(jax.numpy.ones(3).at[0], name)
    assert hasattr(minijax.numpy.ones(3).at[0], name)


@pytest.mark.parametrize("path", [
    "eqns", "invars", "outvars", "constvars", "consts", "in_avals", "out_avals", "jaxpr",
    "eqns.0.primitive.name", "eqns.0.invars.0.aval.shape", "eqns.0.params", "eqns.0.outvars",
    "eqns.0.invars.1.val", "jaxpr.eqns.0.primitive", "effects"])
def test_a_jaxpr_can_be_walked(path):
    def walk(x: Any, step: str) -> Any:
        return x[int(step)] if step.isdigit() else getattr(x, step)

    for library in (jax, minijax):
        closed = library.make_jaxpr(lambda x: x * 2.0)(np.ones(3, np.float32))
        functools.reduce(walk, path.split("."), closed)


@pytest.mark.parametrize("steps", ["lower", "lower.as_text", "lower.compile", "trace",
                                   "lower.compile.as_text", "trace.jaxpr", "eval_shape"])
def test_a_jitted_function_can_be_looked_into(steps):
    first, *rest = steps.split(".")
    for library in (jax, minijax):
        x = operator.methodcaller(first, 1.0)(library.jit(lambda x: x * 2.0))
        for step in rest:
            x = getattr(x, step)
            x = x() if callable(x) and step != "jaxpr" else x
        assert x is not None


def test_vmap_hands_on_what_is_not_mapped_whatever_it_is():
    apply = minijax.vmap(lambda f, x: f(x), (None, 0))
    assert apply(lambda x: x + 1, np.arange(3)).tolist() == [1, 2, 3]
    assert apply(minijax.numpy.square, np.arange(3)).tolist() == [0, 1, 4]
    with pytest.raises(TypeError, match="must be an int"):
        minijax.vmap(lambda x: x, in_axes=False)(np.arange(3))
