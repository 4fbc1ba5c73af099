"""NumPy's functions, on arrays that can be traced: `import minijax.numpy as jnp`.

This module is the list of public names; the imports say where each is defined.
"""

from numpy import (
    character as character,
    complexfloating as complexfloating,
    dtype as dtype,
    e as e,
    euler_gamma as euler_gamma,
    flexible as flexible,
    floating as floating,
    generic as generic,
    get_printoptions as get_printoptions,
    inexact as inexact,
    inf as inf,
    integer as integer,
    nan as nan,
    newaxis as newaxis,
    number as number,
    object_ as object_,
    pi as pi,
    printoptions as printoptions,
    set_printoptions as set_printoptions,
    signedinteger as signedinteger,
    unsignedinteger as unsignedinteger,
)
from numpy.exceptions import ComplexWarning as ComplexWarning

from minijax.core import Array as ndarray  # noqa: F401
from minijax.dtypes import (
    isdtype as isdtype,
    issubdtype as issubdtype,
    promote_types as promote_types,
    result_type as result_type,
)
from minijax.numpy import array_methods as _array_methods, fft as fft, linalg as linalg
from minijax.numpy.applying import (
    apply_along_axis as apply_along_axis,
    apply_over_axes as apply_over_axes,
    packbits as packbits,
    unpackbits as unpackbits,
)
from minijax.numpy.arithmetic import (
    around as around,
    divmod as divmod,
    floor_divide as floor_divide,
    fmod as fmod,
    gcd as gcd,
    lcm as lcm,
    mod as mod,
    modf as modf,
    remainder as remainder,
    rint as rint,
    round as round,
    trunc as trunc,
)
from minijax.numpy.composed import (
    acosh as acosh,
    arccosh as arccosh,
    hypot as hypot,
    i0 as i0,
    sinc as sinc,
)
from minijax.numpy.contractions import (
    cross as cross,
    dot as dot,
    inner as inner,
    kron as kron,
    matmul as matmul,
    matvec as matvec,
    outer as outer,
    tensordot as tensordot,
    vdot as vdot,
    vecdot as vecdot,
    vecmat as vecmat,
)
from minijax.numpy.creation import (
    array as array,
    asarray as asarray,
    astype as astype,
    copy as copy,
    empty as empty,
    empty_like as empty_like,
    from_dlpack as from_dlpack,
    frombuffer as frombuffer,
    fromfile as fromfile,
    fromiter as fromiter,
    fromstring as fromstring,
    full as full,
    full_like as full_like,
    ones as ones,
    ones_like as ones_like,
    zeros as zeros,
    zeros_like as zeros_like,
)
from minijax.numpy.cumulative import (
    cumprod as cumprod,
    cumsum as cumsum,
    cumulative_prod as cumulative_prod,
    cumulative_sum as cumulative_sum,
    nancumprod as nancumprod,
    nancumsum as nancumsum,
    nanmax as nanmax,
    nanmean as nanmean,
    nanmin as nanmin,
    nanprod as nanprod,
    nanstd as nanstd,
    nansum as nansum,
    nanvar as nanvar,
)
from minijax.numpy.diagonals import (
    diag as diag,
    diag_indices as diag_indices,
    diag_indices_from as diag_indices_from,
    diagflat as diagflat,
    diagonal as diagonal,
    mask_indices as mask_indices,
    trace as trace,
    tril_indices as tril_indices,
    tril_indices_from as tril_indices_from,
    triu_indices as triu_indices,
    triu_indices_from as triu_indices_from,
)
from minijax.numpy.differences import (
    diff as diff,
    ediff1d as ediff1d,
    gradient as gradient,
    interp as interp,
    trapezoid as trapezoid,
    unwrap as unwrap,
)
from minijax.numpy.editing import (
    delete as delete,
    insert as insert,
    iterable as iterable,
    trim_zeros as trim_zeros,
)
from minijax.numpy.einsum import (
    einsum as einsum,
    einsum_path as einsum_path,
)
from minijax.numpy.flipping import (
    flip as flip,
    fliplr as fliplr,
    flipud as flipud,
    roll as roll,
    rot90 as rot90,
)
from minijax.numpy.floats import (
    angle as angle,
    bitwise_count as bitwise_count,
    copysign as copysign,
    fmax as fmax,
    fmin as fmin,
    frexp as frexp,
    heaviside as heaviside,
    iscomplex as iscomplex,
    iscomplexobj as iscomplexobj,
    isinf as isinf,
    isreal as isreal,
    isrealobj as isrealobj,
    isscalar as isscalar,
    ldexp as ldexp,
    nan_to_num as nan_to_num,
    signbit as signbit,
    spacing as spacing,
)
from minijax.numpy.histograms import (
    histogram as histogram,
    histogram2d as histogram2d,
    histogram_bin_edges as histogram_bin_edges,
    histogramdd as histogramdd,
)
from minijax.numpy.index_tricks import (
    c_ as c_,
    index_exp as index_exp,
    mgrid as mgrid,
    ogrid as ogrid,
    r_ as r_,
    s_ as s_,
)
from minijax.numpy.joining import (
    append as append,
    array_split as array_split,
    block as block,
    column_stack as column_stack,
    concat as concat,
    concatenate as concatenate,
    dsplit as dsplit,
    dstack as dstack,
    hsplit as hsplit,
    hstack as hstack,
    repeat as repeat,
    split as split,
    stack as stack,
    tile as tile,
    unstack as unstack,
    vsplit as vsplit,
    vstack as vstack,
)
from minijax.numpy.logic import (
    bitwise_invert as bitwise_invert,
    bitwise_left_shift as bitwise_left_shift,
    bitwise_not as bitwise_not,
    bitwise_right_shift as bitwise_right_shift,
    equal as equal,
    greater as greater,
    greater_equal as greater_equal,
    invert as invert,
    isfinite as isfinite,
    isnan as isnan,
    isneginf as isneginf,
    isposinf as isposinf,
    left_shift as left_shift,
    less as less,
    less_equal as less_equal,
    logical_not as logical_not,
    not_equal as not_equal,
    right_shift as right_shift,
)
from minijax.numpy.moments import (
    average as average,
    mean as mean,
    std as std,
    var as var,
)
from minijax.numpy.namespace import (
    __array_api_version__ as __array_api_version__,
    __array_namespace_info__ as __array_namespace_info__,
    array_repr as array_repr,
    array_str as array_str,
    can_cast as can_cast,
    finfo as finfo,
    iinfo as iinfo,
    load as load,
    save as save,
    savez as savez,
)
from minijax.numpy.padding import (
    pad as pad,
)
from minijax.numpy.polynomials import (
    poly as poly,
    polyadd as polyadd,
    polyder as polyder,
    polydiv as polydiv,
    polyfit as polyfit,
    polyint as polyint,
    polymul as polymul,
    polysub as polysub,
    polyval as polyval,
    roots as roots,
)
from minijax.numpy.promotion import (
    broadcast_shapes as broadcast_shapes,
    broadcast_to as broadcast_to,
)
from minijax.numpy.putting import (
    fill_diagonal as fill_diagonal,
    place as place,
    put as put,
    put_along_axis as put_along_axis,
)
from minijax.numpy.quantiles import (
    median as median,
    nanmedian as nanmedian,
    nanpercentile as nanpercentile,
    nanquantile as nanquantile,
    percentile as percentile,
    quantile as quantile,
)
from minijax.numpy.ranges import (
    arange as arange,
    eye as eye,
    fromfunction as fromfunction,
    geomspace as geomspace,
    identity as identity,
    indices as indices,
    linspace as linspace,
    logspace as logspace,
    meshgrid as meshgrid,
    tri as tri,
    tril as tril,
    triu as triu,
    vander as vander,
)
from minijax.numpy.reductions import (
    all as all,
    amax as amax,
    amin as amin,
    any as any,
    count_nonzero as count_nonzero,
    max as max,
    min as min,
    prod as prod,
    ptp as ptp,
    sum as sum,
)
from minijax.numpy.scalar_types import SCALAR_CLASSES as _SCALAR_CLASSES
from minijax.numpy.searching import (
    argmax as argmax,
    argmin as argmin,
    argwhere as argwhere,
    bincount as bincount,
    digitize as digitize,
    flatnonzero as flatnonzero,
    nanargmax as nanargmax,
    nanargmin as nanargmin,
    nonzero as nonzero,
    searchsorted as searchsorted,
    where as where,
)
from minijax.numpy.selecting import (
    allclose as allclose,
    array_equal as array_equal,
    array_equiv as array_equiv,
    clip as clip,
    isclose as isclose,
    piecewise as piecewise,
    select as select,
)
from minijax.numpy.setops import (
    intersect1d as intersect1d,
    isin as isin,
    setdiff1d as setdiff1d,
    setxor1d as setxor1d,
    union1d as union1d,
    unique as unique,
    unique_all as unique_all,
    unique_counts as unique_counts,
    unique_inverse as unique_inverse,
    unique_values as unique_values,
)
from minijax.numpy.shaping import (
    atleast_1d as atleast_1d,
    atleast_2d as atleast_2d,
    atleast_3d as atleast_3d,
    broadcast_arrays as broadcast_arrays,
    expand_dims as expand_dims,
    matrix_transpose as matrix_transpose,
    moveaxis as moveaxis,
    ndim as ndim,
    permute_dims as permute_dims,
    ravel as ravel,
    reshape as reshape,
    resize as resize,
    rollaxis as rollaxis,
    shape as shape,
    size as size,
    squeeze as squeeze,
    swapaxes as swapaxes,
    transpose as transpose,
)
from minijax.numpy.sorting import (
    argpartition as argpartition,
    argsort as argsort,
    lexsort as lexsort,
    partition as partition,
    sort as sort,
    sort_complex as sort_complex,
)
from minijax.numpy.statistics import (
    convolve as convolve,
    corrcoef as corrcoef,
    correlate as correlate,
    cov as cov,
)
from minijax.numpy.taking import (
    choose as choose,
    compress as compress,
    extract as extract,
    ix_ as ix_,
    ravel_multi_index as ravel_multi_index,
    take as take,
    take_along_axis as take_along_axis,
    unravel_index as unravel_index,
)
from minijax.numpy.ufunc_api import (
    frompyfunc as frompyfunc,
    ufunc as ufunc,
)
from minijax.numpy.ufunc_table import (
    add as add,
    bitwise_and as bitwise_and,
    bitwise_or as bitwise_or,
    bitwise_xor as bitwise_xor,
    logaddexp as logaddexp,
    logaddexp2 as logaddexp2,
    logical_and as logical_and,
    logical_or as logical_or,
    logical_xor as logical_xor,
    maximum as maximum,
    minimum as minimum,
    multiply as multiply,
    negative as negative,
    subtract as subtract,
)
from minijax.numpy.ufuncs import (
    abs as abs,
    absolute as absolute,
    acos as acos,
    arccos as arccos,
    arcsin as arcsin,
    arcsinh as arcsinh,
    arctan as arctan,
    arctan2 as arctan2,
    arctanh as arctanh,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as atan2,
    atanh as atanh,
    cbrt as cbrt,
    ceil as ceil,
    conj as conj,
    conjugate as conjugate,
    cos as cos,
    cosh as cosh,
    deg2rad as deg2rad,
    degrees as degrees,
    divide as divide,
    exp as exp,
    exp2 as exp2,
    expm1 as expm1,
    fabs as fabs,
    float_power as float_power,
    floor as floor,
    imag as imag,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    nextafter as nextafter,
    positive as positive,
    pow as pow,
    power as power,
    rad2deg as rad2deg,
    radians as radians,
    real as real,
    reciprocal as reciprocal,
    sign as sign,
    sin as sin,
    sinh as sinh,
    sqrt as sqrt,
    square as square,
    tan as tan,
    tanh as tanh,
    true_divide as true_divide,
)
from minijax.numpy.vectorizing import (
    vectorize as vectorize,
)
from minijax.numpy.windows import (
    bartlett as bartlett,
    blackman as blackman,
    hamming as hamming,
    hanning as hanning,
    kaiser as kaiser,
)

# float32, int8, bool_, ...: dtypes to everyone who asks for one, and makers of arrays.
globals().update(_SCALAR_CLASSES)

_array_methods.install()
