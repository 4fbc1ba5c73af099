"""The operations, by family. `jax.lax`: the layer that `jax.numpy` is written in."""

import minijax.lax.powers_of_two
from minijax.control_flow.associative import associative_scan
from minijax.control_flow.cond import cond, cond_p, switch
from minijax.control_flow.mapping import map
from minijax.control_flow.platforms import platform_dependent
from minijax.control_flow.scan import scan, scan_p
from minijax.control_flow.solves import custom_linear_solve, custom_root, linear_solve_p
from minijax.control_flow.while_loop import fori_loop, while_loop, while_p
from minijax.core import Primitive as _Primitive
from minijax.families import (
    broadcast_in_dim,
    broadcast_in_dim_p,
    convert_element_type,
    convert_element_type_p,
    mul,
    reduce_sum,
    reduce_sum_p,
    reshape,
    reshape_p,
    transpose,
    transpose_p,
)
from minijax.lax import linalg
from minijax.lax.all_reduce import pmax, pmax_p, pmean, pmin, pmin_p, psum, psum_p
from minijax.lax.bits import (
    clz,
    mulhi,
    nextafter,
    population_count,
    reduce_precision,
    reduce_precision_p,
    shift_left,
    shift_right_arithmetic,
    shift_right_logical,
)
from minijax.lax.collectives import axis_index, axis_index_p, axis_size
from minijax.lax.contraction import (
    DotDimensionNumbers,
    Precision,
    batch_matmul,
    canonicalize_precision,
    dot,
    dot_general,
    dot_general_p,
)
from minijax.lax.conv_shapes import (
    ConvDimensionNumbers,
    conv_dimension_numbers,
    conv_general_permutations,
    conv_general_shape_tuple,
    conv_shape_tuple,
    conv_transpose_shape_tuple,
    padtype_to_pads,
)
from minijax.lax.convolution import (
    conv,
    conv_general_dilated,
    conv_general_dilated_p,
    conv_general_dilated_patches,
    conv_transpose,
    conv_with_general_padding,
)
from minijax.lax.creation import (
    bitcast_convert_type,
    bitcast_convert_type_p,
    broadcasted_iota,
    empty,
    empty_p,
    full,
    full_like,
    iota,
    iota_p,
)
from minijax.lax.cumulative import (
    cumlogsumexp,
    cumlogsumexp_p,
    cummax,
    cummax_p,
    cummin,
    cummin_p,
    cumprod,
    cumprod_p,
    cumsum,
    cumsum_p,
)
from minijax.lax.dynamic import (
    dynamic_index_in_dim,
    dynamic_slice,
    dynamic_slice_in_dim,
    dynamic_slice_p,
    dynamic_update_index_in_dim,
    dynamic_update_slice,
    dynamic_update_slice_in_dim,
    dynamic_update_slice_p,
)
from minijax.lax.elementwise import (
    RoundingMethod,
    abs,
    add,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    ceil,
    clamp,
    clamp_p,
    complex,
    conj,
    conj_p,
    div,
    eq,
    floor,
    ge,
    gt,
    imag,
    is_finite,
    le,
    lt,
    max,
    min,
    ne,
    neg,
    real,
    rem,
    round,
    round_p,
    select,
    sign,
    sub,
)
from minijax.lax.exchanges import (
    all_gather,
    all_gather_invariant_p,
    all_gather_p,
    all_to_all,
    all_to_all_p,
    pbroadcast,
    pbroadcast_p,
    ppermute,
    ppermute_p,
    pshuffle,
    psum_scatter,
    pswapaxes,
    reduce_scatter_p,
)
from minijax.lax.fft import FftType, fft, fft_p
from minijax.lax.folds import reduce, reduce_p
from minijax.lax.identities import (
    copy_p,
    optimization_barrier,
    optimization_barrier_p,
    stop_gradient,
    stop_gradient_p,
)
from minijax.lax.indexing import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
    gather,
    gather_p,
    index_take,
    scatter,
    scatter_add,
    scatter_add_p,
    scatter_max,
    scatter_max_p,
    scatter_min,
    scatter_min_p,
    scatter_mul,
    scatter_mul_p,
    scatter_p,
    scatter_sub,
    scatter_sub_p,
)
from minijax.lax.joining import (
    concatenate,
    concatenate_p,
    split,
    split_p,
    stack,
    stack_p,
    unstack,
    unstack_p,
)
from minijax.lax.pooling import (
    reduce_window_shape_tuple,
    select_and_gather_add_p,
    select_and_scatter_add_p,
)
from minijax.lax.reducing import (
    argmax,
    argmax_p,
    argmin,
    argmin_p,
    reduce_and,
    reduce_and_p,
    reduce_max,
    reduce_max_p,
    reduce_min,
    reduce_min_p,
    reduce_or,
    reduce_or_p,
    reduce_prod,
    reduce_prod_p,
    reduce_xor,
    reduce_xor_p,
)
from minijax.lax.shapes import broadcast_shapes, dtype
from minijax.lax.shaping import (
    broadcast,
    broadcast_like,
    broadcast_to_rank,
    collapse,
    expand_dims,
    rev,
    rev_p,
    squeeze,
    squeeze_p,
    tile,
    tile_p,
)
from minijax.lax.slicing import (
    index_in_dim,
    pad,
    pad_p,
    slice,
    slice_in_dim,
    slice_p,
)
from minijax.lax.sorting import (
    sort,
    sort_key_val,
    sort_p,
    top_k,
    top_k_p,
)
from minijax.lax.special import (
    bessel_i0e,
    bessel_i1e,
    betainc,
    digamma,
    erf,
    erf_inv,
    erfc,
    igamma,
    igamma_grad_a,
    igammac,
    lgamma,
    polygamma,
    random_gamma_grad,
    zeta,
)
from minijax.lax.transcendental import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    cos,
    cosh,
    exp,
    exp2,
    expm1,
    integer_pow,
    integer_pow_p,
    log,
    log1p,
    logistic,
    pow,
    reciprocal,
    rsqrt,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
)
from minijax.lax.varying import pcast, pvary_p
from minijax.lax.windows import (
    reduce_window,
    reduce_window_max_p,
    reduce_window_min_p,
    reduce_window_p,
    reduce_window_sum_p,
)
from minijax.parallel.constraint import with_sharding_constraint
from minijax.selection import select_n

# An operation that users call directly has a second name, that of the primitive.
for _operation in [x for x in globals().values() if isinstance(x, _Primitive)]:
    globals()[f"{_operation.name}_p"] = _operation
