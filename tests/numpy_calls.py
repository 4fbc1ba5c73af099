"""Calls of `jax.numpy` that both libraries must answer alike. `tests/calls.py` runs them.

The names f3, i34, ... stand for arrays: floats of shape (3,), integers of shape (3, 4), and so on.
"""

# --- calls: value, dtype, weak type and shape, or the class of the error ------------------------

CALLS = {
    "operators": """
    jnp.sin([1.0]); jnp.sin("a"); jnp.sin(None); jnp.add([1], 2); jnp.add(f3, [1, 2, 3]);
    jnp.add(f3, f4); f3+f4; f34+f3; f3+"a"; f3+None; f3+[1, 2, 3]; [1]+f3; f3*(1, 2); f3==None;
    f3!=None; f3==[0, 1, 2]; f3<None; f3@f; f34@f3; f34@f34; f3&f3; ~f3; f3<<1; f3<<f3; b3-b3; -b3;
    b3*b3; b3+1.5; u3-5; u3*300; i3+2**31; f3+1e300; f3+np.float64(1); i3+np.int64(1);
    i3*np.float16(2); f3*jnp.float16(2); jnp.float16(2)*jnp.bfloat16(3); u3+i3; u3*jnp.int8(3);
    jnp.uint32(3)+i3; jnp.int8(100)+100; i3**-1; i3**2.5; 2**f3; 2**u3; u3**2; b3**2; f3**i3;
    f3**u3; i3**f3; i3**i3; 0**i3; f3**np.int32(2); f3**jnp.int32(2); c3**2; c3**2.5; c3*2; c3<c3;
    c3//2; c3%2; abs(c3); abs(u3); abs(b3); round(f3*1.27, 1); round(f3); divmod(i3, 2);
    divmod(7, i3+1); 7//(i3+1); 7%(i3+1); -7//(i3+1); -7%(i3+1); i3//0; i3%0; f3//0; f3%0; f34%-3;
    f34//-3; 1.0//f3; True+f3; 2-i3; 2.0-i3; 2/f4; i3>>1; 1<<i3; i3^i3; i3|1; b3^True; b3|b3
""",
    "elementwise": """
    jnp.negative(u3); jnp.sqrt(-f3); jnp.sqrt(-1); jnp.sqrt(b3); jnp.log(i3); jnp.log(c3);
    jnp.log2(c3); jnp.log10(c3); jnp.log2(8); jnp.exp(c3); jnp.exp2(i3); jnp.cbrt(-8.);
    jnp.cbrt(c3); jnp.sign(-f3); jnp.sign(c3); jnp.sign(u3); jnp.square(i3); jnp.square(c3);
    jnp.square(b3); jnp.reciprocal(f4); jnp.reciprocal(i3+1); jnp.sin(c3); jnp.arcsin(2.);
    jnp.arccos(f3); jnp.arccosh(f3); jnp.arccosh(c3); jnp.arctanh(f3); jnp.arctan2(f4, -f4);
    jnp.arctan2(i3, i3); jnp.sinc(i3); jnp.sinc(f4); jnp.hypot(i3, 4); jnp.hypot(jnp.inf, jnp.nan);
    jnp.hypot(c3, c3); jnp.logaddexp(f3, -jnp.inf); jnp.logaddexp(-jnp.inf, -jnp.inf);
    jnp.logaddexp(i3, i3); jnp.logaddexp2(f3, 1); jnp.logaddexp(c3, c3); jnp.maximum(f3, jnp.nan);
    jnp.logaddexp(c3[:, None], c3); jnp.logaddexp2(c3, 1);
    jnp.maximum(i3, 1.5); jnp.minimum(b3, False); jnp.fmax(f3, jnp.nan); jnp.fmin(jnp.nan, f3);
    jnp.fmax(i3, 1); jnp.maximum(c3, c3); jnp.floor(c3); jnp.floor(b3); jnp.ceil(f4);
    jnp.trunc(f4*1.7); jnp.trunc(i3); jnp.rint(f4*1.5); jnp.rint(i3); jnp.rint(c3);
    jnp.round(f4*1.234, 2); jnp.round(i3, -1); jnp.round(c3*1.234, 1);
    jnp.round(jnp.float16(1.234), 2); jnp.around(f4, 1); jnp.fabs(i3); jnp.fabs(c3);
    jnp.positive(i3); jnp.copysign(f3, -1.); jnp.copysign(i3, -1);
    jnp.signbit(jnp.array([-0., 1., -2.])); jnp.signbit(i3-1); jnp.signbit(b3); jnp.signbit(c3);
    jnp.heaviside(f4, 0.5); jnp.heaviside(i3, 2); jnp.frexp(f4); jnp.frexp(i3); jnp.ldexp(f4, 3);
    jnp.ldexp(f4, jnp.array([1, -2, 3, 0])); jnp.ldexp(i3, i3); jnp.ldexp(f3, f3);
    jnp.modf(f4*1.5); jnp.modf(i3); jnp.nextafter(f3, 1.); jnp.nextafter(i3, 2); jnp.spacing(f3);
    jnp.spacing(c3); jnp.gcd(i3*6, 4); jnp.lcm(i3*6, 4); jnp.gcd(f3, 1); jnp.gcd(-6, 4);
    jnp.bitwise_count(i3-5); jnp.bitwise_count(u3); jnp.bitwise_and(i3, b3); jnp.bitwise_not(i3);
    jnp.invert(b3); jnp.left_shift(u3, 1); jnp.right_shift(u3, 1); jnp.right_shift(i3-5, 1);
    jnp.logical_and(f3, i3); jnp.logical_xor(f3, b3); jnp.logical_not(i3); jnp.logical_or(c3, 0);
    jnp.isnan(n3); jnp.isinf(c3); jnp.isposinf(f3/0); jnp.isneginf(-f3/0); jnp.isposinf(i3);
    jnp.isposinf(c3); jnp.isfinite(n3); jnp.isfinite(c3); jnp.isfinite(b3);
    jnp.nan_to_num(n3, nan=5.); jnp.nan_to_num(f3/0, posinf=1., neginf=-1); jnp.nan_to_num(i3);
    jnp.nan_to_num(c3/0); jnp.i0(f4); jnp.i0(c3); jnp.angle(c3, deg=True); jnp.angle(i3-1);
    jnp.angle(f4); jnp.real(i3); jnp.imag(i3); jnp.conj(i3); jnp.iscomplex(c3); jnp.iscomplex(f3);
    jnp.isreal(c3); jnp.iscomplexobj(c3); jnp.iscomplexobj(1j); jnp.isrealobj(f3); jnp.isscalar(f);
    jnp.isscalar(f3); jnp.isscalar(3); jnp.isscalar([1]); jnp.isscalar(np.float32(2));
    jnp.deg2rad(180); jnp.degrees(f3); jnp.radians(i3); jnp.unwrap(f3*4);
    jnp.unwrap(i3*10, period=7); jnp.unwrap(f34*3, axis=0); jnp.float_power(i3, 2); jnp.mod(f4, 2);
    jnp.fmod(f4, 2); jnp.fmod(-i3, 2); jnp.fmod(i3, 0); jnp.divmod(f4, 0.7); jnp.equal(c3, c3);
    jnp.greater(c3, 1)
""",
    "choosing": """
    jnp.clip(f4, 0, 1); jnp.clip(i3, max=1); jnp.clip(i3, 1.5); jnp.clip(c3, 0, 1);
    jnp.clip(f4, jnp.zeros(4), None); jnp.clip(f34, i3, 4); jnp.isclose(f3, f3+1e-9);
    jnp.isclose(i3, i3); jnp.isclose(n3, n3, equal_nan=True); jnp.isclose(f3, [1]);
    jnp.allclose(f3, f3+1); jnp.array_equal(f3, [0, 1, 2]);
    jnp.array_equal(n3, n3, equal_nan=True); jnp.array_equal(f3, f4);
    jnp.array_equiv(f3, f34[:, :3]*0+f3); jnp.array_equiv(f3, f4); jnp.where(b3, f3, 1);
    jnp.where(b3); jnp.where(f3); jnp.where(b3, f3); jnp.where(b3, [1, 2, 3], f3);
    jnp.where(True, f3, f4); jnp.where(b3, 1, 2.); jnp.where(b3, size=1);
    jnp.where(b3, f3, f3, size=1); jnp.where(i3, c3, u3); jnp.where(f34>0, f34, f3);
    jnp.where(False, 1, 2); jnp.select([b3, ~b3], [f3, i3]); jnp.select([b3], [f3, i3]);
    jnp.select([], []); jnp.select([i3>1, i3>0], [1, 2.5], -1);
    jnp.piecewise(f4, [f4<0, f4>2], [-1, 1, lambda x:x*2]);
    jnp.piecewise(f4, [f4<0], [lambda x:-x]); jnp.piecewise(f4, [f4<0], [1, 2, 3]);
    jnp.piecewise(i3, i3>1, [10, 20])
""",
    "from objects": """
    jnp.array([1, 2, 3]); jnp.array([1, 2.5]); jnp.array([True, 2]); jnp.array([1, 2j]);
    jnp.array(2); jnp.array(2.5); jnp.array(True); jnp.array(1j); jnp.array([]); jnp.array([[]]);
    jnp.array([[1, 2], [3]]); jnp.array(None); jnp.array([None]); jnp.array("a");
    jnp.array({"a":1}); jnp.array([1, 2], dtype="int8"); jnp.array([1.7, 2], dtype=int);
    jnp.array([1, 2], dtype=float); jnp.array(np.arange(3)); jnp.array(np.arange(3.));
    jnp.array(np.float64(2)); jnp.array(np.int64(2)); jnp.array([np.float32(1), 2]);
    jnp.array([f, 1]); jnp.array([f3, f3]); jnp.array([f3, [1, 2, 3]]);
    jnp.array([[f, i], [1, 2]]); jnp.array(f3, dtype="bfloat16"); jnp.array(range(3));
    jnp.array((1, 2)); jnp.array(2, ndmin=2); jnp.array(f3, ndmin=3); jnp.array(f3, order="F");
    jnp.array(2**31); jnp.array([2**31]); jnp.array(-2**31); jnp.array(2**40, dtype="uint32");
    jnp.array(300, dtype="uint8"); jnp.array([300], dtype="uint8"); jnp.array(3.7, dtype="int32");
    jnp.array(b'abc'); jnp.array(np.array(["a"]));
    jnp.array(np.array([1, 2], dtype="datetime64[s]")); jnp.array(np.float16(3));
    jnp.array([1, 2],"float64"); jnp.array(1, dtype="float64"); jnp.array(f);
    jnp.array(jnp.array(2.)); jnp.asarray(f3); jnp.asarray([1, 2], float);
    jnp.asarray(2, jnp.float32); jnp.asarray(f3, copy=True); jnp.asarray(2.); jnp.copy(f3);
    jnp.copy(3); jnp.copy([1]); jnp.float32(3); jnp.float32([1, 2]); jnp.int8(3.7); jnp.bool_(3);
    jnp.int32("a"); jnp.complex64(1)
""",
    "filled": """
    jnp.zeros(3); jnp.zeros((2, 3), int); jnp.zeros([2, 3]); jnp.zeros(()); jnp.zeros(2, 3);
    jnp.zeros((2, -1)); jnp.zeros(2.5); jnp.zeros((2.5,)); jnp.zeros("a"); jnp.zeros(np.int64(3));
    jnp.zeros(jnp.int32(3)); jnp.zeros(3,"float64"); jnp.ones(3, bool); jnp.ones((2,), jnp.int8);
    jnp.empty((2, 2)); jnp.full(3, 2); jnp.full((2, 2), 1.5); jnp.full((2, 3), f3);
    jnp.full((3, 2), f3); jnp.full(3, 2,"float16"); jnp.full(3, [1, 2, 3]); jnp.zeros_like(i3);
    jnp.zeros_like(2.); jnp.zeros_like([1, 2]); jnp.zeros_like(np.arange(3.));
    jnp.zeros_like(f3, dtype=int); jnp.zeros_like(f3, shape=(2,)); jnp.ones_like(b3);
    jnp.ones_like(i3, float); jnp.full_like(i3, 2.5); jnp.full_like(f3, f3);
    jnp.full_like(f3, 2, shape=(2, 2)); jnp.empty_like(f34)
""",
    "ranges": """
    jnp.arange(5); jnp.arange(5.); jnp.arange(2, 5); jnp.arange(2., 5); jnp.arange(5, 2);
    jnp.arange(5, 2, -1); jnp.arange(0, 1, 0.25); jnp.arange(3, dtype="float32");
    jnp.arange(1, 3, dtype="int8"); jnp.arange(3.5); jnp.arange(f); jnp.arange(i); jnp.arange(f3);
    jnp.arange("a"); jnp.arange(None); jnp.arange(1j); jnp.arange(0, 3, None);
    jnp.arange(stop=3, start=1); jnp.arange(0, 5, 2, dtype="bfloat16"); jnp.arange(True);
    jnp.arange(-3); jnp.arange(0., 1., .1); jnp.linspace(0, 1, 5);
    jnp.linspace(0, 1, 5, endpoint=False); jnp.linspace(0, 10, 5, retstep=True);
    jnp.linspace(0, 10, 4, dtype=int); jnp.linspace(0, 1, 1); jnp.linspace(0, 1, 0);
    jnp.linspace(0, 1, 1, retstep=True); jnp.linspace(f3, f3+1, 4);
    jnp.linspace(f3, f3+1, 4, axis=1); jnp.linspace(0, 1j, 3); jnp.linspace(0, 1, -1);
    jnp.linspace(0, 1); jnp.linspace(1, 2, 3, dtype="float16"); jnp.logspace(0, 2, 3);
    jnp.logspace(0, 2, 3, base=2); jnp.logspace(0, 3, 4, dtype=int); jnp.geomspace(1, 1000, 4);
    jnp.geomspace(-1, -8, 4); jnp.geomspace(f3+1, f3+10, 3, axis=1)
""",
    "matrices": """
    jnp.eye(3); jnp.eye(2, 3, -1); jnp.eye(3, k=5); jnp.eye(3, dtype=bool); jnp.eye(-1);
    jnp.eye(3, k=1.5); jnp.identity(2, int); jnp.tri(3, 4, 1); jnp.tri(3, dtype=int);
    jnp.tril(f34); jnp.tril(f34, -1); jnp.triu(f34, 2); jnp.triu(f235); jnp.tril(f3);
    jnp.vander(f3, 4); jnp.vander(i3, increasing=True); jnp.vander(f34); jnp.meshgrid(f3, i3);
    jnp.meshgrid(f3, f4, indexing="ij"); jnp.meshgrid(f3, f4, sparse=True); jnp.meshgrid(f3);
    jnp.meshgrid(f34, f3); jnp.meshgrid(f3, f4, indexing="ab"); jnp.indices((2, 3));
    jnp.indices((2, 3), sparse=True); jnp.indices((2,), float);
    jnp.fromfunction(lambda i, j:i+j, (2, 3));
    jnp.fromfunction(lambda i, j:i*j, (2, 3), dtype=int); jnp.mgrid[0:3]; jnp.mgrid[0:3, 0:2.];
    jnp.ogrid[0:3, 0:2]; jnp.mgrid[0:1:3j]; jnp.r_[1:4, 10]; jnp.r_[f3, 1, 2]; jnp.c_[f3, f3];
    jnp.r_["0,2", f3, f3]; jnp.r_["c", 1, 2]; jnp.s_[1:2]; jnp.index_exp[1:2]; jnp.diag(f3);
    jnp.diag(f3, 1); jnp.diag(f34); jnp.diag(f34, -1); jnp.diag(f34, 2); jnp.diag(f235);
    jnp.diagonal(f235); jnp.diagonal(f235, 1, 1, 2); jnp.diagonal(f235, -1, 2, 0);
    jnp.diagonal(f3); jnp.diagflat(f3, -1); jnp.diagflat(f34[:, :2]); jnp.trace(f34);
    jnp.trace(f235, 1, 1, 2); jnp.trace(i34, dtype=float); jnp.trace(f34, 0, 0, 0);
    jnp.diag_indices(3); jnp.diag_indices(2, 3); jnp.diag_indices_from(f33);
    jnp.diag_indices_from(f34); jnp.tril_indices(3); jnp.triu_indices(3, 1, 4);
    jnp.triu_indices_from(f34); jnp.tril_indices_from(f33, -1); jnp.mask_indices(3, jnp.triu);
    jnp.mask_indices(3, jnp.tril, -1); jnp.frombuffer(b'\x01\x02', dtype="uint8");
    jnp.fromstring("1 2 3", sep=" "); jnp.fromfile("x"); jnp.fromiter([1]);
    jnp.from_dlpack(np.arange(3., dtype="f4"))
""",
    "dtypes and attributes": """
    f3.astype(int); f3.astype("bool"); c3.astype("float32"); c3.astype(bool); f3.astype("float64");
    f3.astype(None); f3.astype(f3); i3.astype("bfloat16"); jnp.astype(f3,"int8");
    jnp.astype([1],"int8"); f3.view("int32"); f3.view("int16"); u3.view("int8");
    c3.view("float32"); f4.view("complex64"); f.view("int32"); f.view("int16"); b3.view("uint8");
    f3.view("float64"); f3.byteswap(); i3.tobytes(); f3.item(); f.item(); f34.item(3);
    f34.tolist(); f3.nbytes; f34.T; f235.mT; f3.mT; f3.flat; f3.dtype; f3.ndim; f3.size; len(f34);
    len(f); c3.real; c3.imag; f3.imag; 2. in f3; f3 in f3; None in f3; "a" in f3; 2 in f34;
    bool(f3); bool(f); int(f); int(f3); float(i); complex(f); [x for x in f3]; [x for x in f];
    list(f34); hash(f3); f3.__round__(); f3.is_deleted(); f3.copy(); f3.fill(1);
    jnp.finfo(jnp.float32).eps; jnp.finfo("float64").bits; jnp.finfo("bfloat16").max;
    jnp.iinfo("int64").max; jnp.finfo(int); jnp.issubdtype(jnp.float32, jnp.floating);
    jnp.issubdtype("bfloat16", jnp.inexact); jnp.result_type(f3, 1); jnp.result_type(i3, 1.5);
    jnp.result_type("int64","float16"); jnp.promote_types("int8","uint8");
    jnp.can_cast("int32","int8"); jnp.isdtype("float32","real floating"); jnp.iterable(f3);
    jnp.iterable(3); jnp.shape(f34); jnp.shape([1, 2]); jnp.ndim(3); jnp.size(f34, 0);
    jnp.size(f34)
""",
    "reductions": """
    jnp.sum(f34, axis=(0, 1)); jnp.sum(f34, axis=[0, 1]); jnp.sum(f34, axis=2);
    jnp.sum(f34, axis=(0, 0)); jnp.sum(f34, axis=1.); jnp.sum([1, 2]); jnp.sum(f34, dtype=int);
    jnp.sum(u3); jnp.sum(u3, promote_integers=False); jnp.sum(i3.astype("int8")); jnp.sum(b3);
    jnp.sum(b3, dtype=bool); jnp.sum(2.); jnp.sum(c3); jnp.sum(f34, where=f34>0);
    jnp.sum(f34, where=f34); jnp.sum(f34, initial=f3); jnp.sum(f34, out=f3);
    jnp.sum(f3.astype("float16")); jnp.sum(f3.astype("bfloat16")); jnp.sum(jnp.zeros((0,)));
    jnp.prod(f4); jnp.prod(i3+1); jnp.prod(b3); jnp.prod(f34, axis=0, keepdims=True); jnp.max(f34);
    jnp.max(f34, axis=-1); jnp.max(jnp.zeros((0,))); jnp.max(jnp.zeros((0,)), initial=3);
    jnp.max(jnp.zeros((0, 3)), axis=1); jnp.max(f34, where=f34>0);
    jnp.max(f34, where=f34>0, initial=-1); jnp.max(i34, where=i34>0, initial=-1); jnp.max(n3);
    jnp.max(b3); jnp.max(c3); jnp.max(u3); jnp.min(f34, axis=0); jnp.min(i34); jnp.amax(f34);
    jnp.amin(f34, 1); jnp.all(f34); jnp.all(f34, axis=0); jnp.any(i34, axis=1, keepdims=True);
    jnp.any(c3); jnp.all(b34, where=b34); jnp.ptp(f34); jnp.ptp(i34, axis=0);
    jnp.count_nonzero(f34, axis=1); jnp.count_nonzero(b3); jnp.mean(f34); jnp.mean(i34);
    jnp.mean(f34, axis=1, keepdims=True); jnp.mean(b3); jnp.mean(f3.astype("float16"));
    jnp.mean(f34, dtype=int); jnp.mean(f34, where=b34); jnp.mean(c3); jnp.mean(jnp.zeros(0));
    jnp.mean([1, 2]); jnp.var(f34); jnp.var(f34, axis=0, ddof=1); jnp.var(f34, correction=1);
    jnp.var(f34, ddof=1, correction=1); jnp.var(c3); jnp.var(i34); jnp.var(f34, where=b34);
    jnp.var(f34, dtype="float16"); jnp.var(c3, dtype="float32"); jnp.var(f3.astype("bfloat16"));
    jnp.var(f34, mean=1.); jnp.var(f3, ddof=3); jnp.std(f34, axis=1); jnp.std(f34, keepdims=True);
    jnp.std(f34, dtype=int); jnp.std(f34, mean=jnp.mean(f34)); jnp.average(f34, axis=1);
    jnp.average(f34, axis=1, weights=f4); jnp.average(f34, weights=f4);
    jnp.average(f34, axis=0, weights=f4); jnp.average(f34, weights=f34, returned=True);
    jnp.average(f34, axis=1, returned=True);
    jnp.average(f235, axis=(2, 0), weights=jnp.arange(10.).reshape(5, 2));
    jnp.average(i34, axis=0, keepdims=True)
""",
    "quantiles": """
    jnp.median(f34); jnp.median(f34, axis=1); jnp.median(i3);
    jnp.median(f34, axis=(0, 1), keepdims=True); jnp.median(n3); jnp.quantile(f34, 0.3);
    jnp.quantile(f34, jnp.array([0.1, 0.9]), axis=0);
    jnp.quantile(f34, jnp.array([0.1, 0.9]), axis=1, keepdims=True);
    jnp.quantile(f34, 0.3, method="higher"); jnp.quantile(f34, 0.3, method="nearest");
    jnp.quantile(f34, 0.3, method="midpoint"); jnp.quantile(f34, 0.3, method="inverted_cdf");
    jnp.quantile(f34, 0.3, axis=1, method="inverted_cdf", weights=f4**2);
    jnp.quantile(f34, jnp.array([.2, .7]), axis=1, method="inverted_cdf", weights=f4**2);
    jnp.quantile(f34, 0.3, method="inverted_cdf", weights=f34**2);
    jnp.quantile(f34, 0.3, weights=f34); jnp.quantile(f34, 0.3, method="x");
    jnp.quantile(i34, 0.3); jnp.quantile(n3, 0.3); jnp.quantile(f235, 0.3, axis=(0, 2));
    jnp.quantile(f235, jnp.array([.1, .5]), axis=(0, 2)); jnp.quantile(f34, jnp.ones((2, 2)));
    jnp.quantile(c3, 0.5); jnp.quantile(f34, f3/2, out=f3); jnp.percentile(f34, 30);
    jnp.percentile(f34, jnp.array([10, 50]), axis=0)
""",
    "without nan": """
    jnp.nanmedian(n3); jnp.nanquantile(n3, 0.3);
    jnp.nanquantile(jnp.where(f34>0, f34, jnp.nan), 0.3, axis=1);
    jnp.nanquantile(jnp.where(f34>0, f34, jnp.nan), jnp.array([.3, .6]), axis=1, keepdims=True);
    jnp.nanquantile(jnp.where(f34>0, f34, jnp.nan), jnp.array([.3, .6]), axis=0, method="nearest");
    jnp.nanquantile(jnp.where(f34>0, f34, jnp.nan), 0.3, method="inverted_cdf");
    jnp.nanpercentile(n3, jnp.array([10, 50])); jnp.nansum(n3); jnp.nansum(i3); jnp.nanmax(n3);
    jnp.nanmax(n3*jnp.nan); jnp.nanmin(jnp.where(f34>0, f34, jnp.nan), axis=0);
    jnp.nanmin(n3, initial=0.); jnp.nanprod(n3); jnp.nanmean(n3); jnp.nanmean(i3); jnp.nanvar(n3);
    jnp.nanvar(jnp.where(f34>0, f34, jnp.nan), axis=0, ddof=1); jnp.nanvar(c3); jnp.nanstd(n3);
    jnp.nanstd(f34, axis=1); jnp.nanargmax(n3);
    jnp.nanargmin(jnp.where(f34>0, f34, jnp.nan), axis=0); jnp.nanargmax(n3*jnp.nan);
    jnp.nanargmax(i3)
""",
    "cumulative": """
    jnp.cumsum(f34); jnp.cumsum(f34, axis=1); jnp.cumsum(i3.astype("int8")); jnp.cumsum(b3);
    jnp.cumsum(b3, dtype=bool); jnp.cumsum(f34, axis=0, dtype=int); jnp.cumsum(2.);
    jnp.cumsum(f34, axis=2); jnp.cumprod(f34, axis=1); jnp.nancumsum(n3); jnp.nancumprod(n3);
    jnp.cumulative_sum(f3); jnp.cumulative_sum(f34);
    jnp.cumulative_sum(f34, axis=1, include_initial=True);
    jnp.cumulative_prod(i3+1, include_initial=True); jnp.cumulative_sum(2.)
""",
    "differences": """
    jnp.diff(f34); jnp.diff(f34, n=2); jnp.diff(f34, axis=0); jnp.diff(b3);
    jnp.diff(f3, prepend=0, append=9); jnp.diff(f34, axis=0, prepend=f34[:1]); jnp.diff(2.);
    jnp.diff(f3, n=-1); jnp.diff(f3, n=0); jnp.diff(f3, n=5); jnp.diff(i3, prepend=1.5);
    jnp.ediff1d(f34); jnp.ediff1d(i3, to_end=9, to_begin=jnp.array([1, 2])); jnp.trapezoid(f34);
    jnp.trapezoid(f34, dx=2.); jnp.trapezoid(f34, f4); jnp.trapezoid(f34, axis=0);
    jnp.trapezoid(f34, f34); jnp.trapezoid(f34, dx=jnp.array([1., 2, 3])); jnp.trapezoid(i3);
    jnp.gradient(f34); jnp.gradient(f4, 2.); jnp.gradient(f4, jnp.array([0., 1, 3, 4]));
    jnp.gradient(f34, axis=1); jnp.gradient(f34, 1., 2.); jnp.gradient(f3[:1]);
    jnp.gradient(f34, 1., 2., 3.); jnp.interp(1.5, f3, f3*10); jnp.interp(f4, f3, f3*10);
    jnp.interp(f4, f3, f3*10, left=-5, right=50);
    jnp.interp(f4, f3, f3*10, left="extrapolate", right="extrapolate");
    jnp.interp(f4, f3, f3, period=2.); jnp.interp(f4, f3, f4); jnp.interp(f4, f3, f3, left="x");
    jnp.interp(i3, i3, c3)
""",
    "statistics": """
    jnp.cov(f34); jnp.cov(f34, rowvar=False); jnp.cov(f34, bias=True); jnp.cov(f3, f3[::-1]);
    jnp.cov(f34, ddof=0); jnp.cov(f34, fweights=jnp.array([1, 2, 1, 1]));
    jnp.cov(f34, aweights=jnp.array([1., 2, 1, 1]));
    jnp.cov(f34, fweights=jnp.array([1, 2, 1, 1]), aweights=jnp.array([1., 2, 1, 1]));
    jnp.cov(f34, fweights=f4); jnp.cov(f235); jnp.cov(c3, c3*1j); jnp.corrcoef(f34);
    jnp.corrcoef(f3, f3**2); jnp.corrcoef(f3); jnp.convolve(f3, f4);
    jnp.convolve(f4, f3, mode="same"); jnp.convolve(f4, f3, mode="valid"); jnp.convolve(i3, i3);
    jnp.convolve(c3, f3); jnp.convolve(f34, f3); jnp.convolve(f3, f3[:0]);
    jnp.convolve(f3, f3, mode="x"); jnp.correlate(f3, f4); jnp.correlate(f4, f3);
    jnp.correlate(f4, f3, mode="full"); jnp.correlate(f3, f4, mode="full");
    jnp.correlate(c3, c3*1j, mode="same"); jnp.correlate(f3, f4, mode="same"); jnp.histogram(f34);
    jnp.histogram(f34, bins=3); jnp.histogram(f34, bins=jnp.array([0., 1, 5]));
    jnp.histogram(f34, bins=4, range=(0., 4.)); jnp.histogram(i3, density=True);
    jnp.histogram(f34, weights=f34); jnp.histogram(f3, weights=f4); jnp.histogram(f3, bins="auto");
    jnp.histogram(jnp.ones(3)); jnp.histogram_bin_edges(f34, 4);
    jnp.histogram2d(f3, f3[::-1], bins=2); jnp.histogram2d(f3, f3, bins=[2, 3]);
    jnp.histogramdd(f34[:, :2], bins=2); jnp.histogramdd(f34[:, :2], bins=3, density=True);
    jnp.histogramdd(f34[:, :2], bins=[2, 3], range=[(0., 2.), None], weights=f3)
""",
    "searching": """
    jnp.bincount(i3); jnp.bincount(b5); jnp.bincount(b5, length=3); jnp.bincount(b5, minlength=7);
    jnp.bincount(i3, weights=f3); jnp.bincount(b3); jnp.bincount(f3); jnp.bincount(i34);
    jnp.bincount(i3-1, length=3); jnp.digitize(f4, f3); jnp.digitize(f4, f3[::-1]);
    jnp.digitize(f4, f3, right=True); jnp.digitize(f4, f34); jnp.searchsorted(f3, f4);
    jnp.searchsorted(f3, f4, side="right"); jnp.searchsorted(f3, f4, method="sort");
    jnp.searchsorted(f3, f34, method="sort", side="right");
    jnp.searchsorted(f3, f4, method="compare_all"); jnp.searchsorted(f3, 1);
    jnp.searchsorted(jnp.array([1, 2, 2, 3]), jnp.array([2, 0, 9]));
    jnp.searchsorted(n3[jnp.array([0, 2, 1])], n3);
    jnp.searchsorted(n3[jnp.array([0, 2, 1])], n3, side="right");
    jnp.searchsorted(f3, f4, side="x"); jnp.searchsorted(f34, f4);
    jnp.searchsorted(f3[::-1], f4, sorter=jnp.array([2, 1, 0])); jnp.argmax(f34);
    jnp.argmax(f34, axis=0); jnp.argmax(f34, axis=1, keepdims=True);
    jnp.argmax(f34, keepdims=True); jnp.argmax(n3); jnp.argmax(b3); jnp.argmax(jnp.zeros(0));
    jnp.argmin(i34, axis=1); jnp.nonzero(f34); jnp.nonzero(f3, size=4, fill_value=-1);
    jnp.nonzero(f34, size=3); jnp.nonzero(f34, size=14, fill_value=(7, 8)); jnp.nonzero(f);
    jnp.flatnonzero(f34); jnp.flatnonzero(i34, size=3); jnp.argwhere(f34);
    jnp.argwhere(f34, size=2); jnp.argwhere(f)
""",
    "sorting": """
    jnp.sort(f4); jnp.sort(f34, axis=0); jnp.sort(f34, axis=None); jnp.sort(n3);
    jnp.sort(b5, descending=True); jnp.sort(c3[::-1]); jnp.sort(b3);
    jnp.sort(f4, kind="quicksort"); jnp.sort(f4, order=1); jnp.argsort(b5);
    jnp.argsort(b5, descending=True); jnp.argsort(b5, descending=True, stable=False);
    jnp.argsort(f34, axis=0); jnp.argsort(f34, axis=None); jnp.argsort(n3);
    jnp.lexsort((b5, b5[::-1])); jnp.lexsort(()); jnp.lexsort(f34); jnp.sort_complex(f4);
    jnp.partition(b5, 2); jnp.partition(f34, 1, axis=0); jnp.partition(u3, 1);
    jnp.argpartition(b5, 2); jnp.argpartition(f34, 1, axis=0); jnp.partition(c3, 1);
    jnp.partition(f3, 5)
""",
    "methods": """
    f34.sum(); f34.sum(0); f34.mean(axis=1); f34.std(ddof=1); f34.var(0); f34.max(1);
    f34.argmax(0); f34.cumsum(1); f34.cumprod(0); f34.prod(); f34.ptp(); f34.round(1); f34.sort(0);
    f34.argsort(); f34.clip(0, 2); f34.clip(max=2); f34.any(1); f34.dot(f4); f34.nonzero();
    f34.trace(); f34.diagonal(); f34.repeat(2); f34.take(i3); f34.searchsorted(1);
    f3.searchsorted(1); f34.squeeze(); f34.swapaxes(0, 1); f34.transpose(1, 0);
    f34.transpose((1, 0)); f34.transpose(); f34.transpose(None); f34.reshape(4, 3);
    f34.reshape((4, 3)); f34.reshape(-1, 6); f34.reshape(5, -1); f34.reshape(-1, -1);
    f34.reshape(5); f34.reshape(2., 6); f34.reshape(2, 6, order="F"); f34.ravel(order="F");
    f34.flatten(); i3.choose([f3, f3+1, f3+2]); f3.compress(b3); f3.conj(); c3.conjugate()
""",
    "shaping": """
    jnp.reshape(f34, (4, 3)); jnp.reshape(f34, -1, order="F");
    jnp.reshape(f34, (6, -1), order="F"); jnp.reshape(f34, (5, 2));
    jnp.reshape(f34, (2, 6), order="A"); jnp.reshape(f34, (2, 6), order="X");
    jnp.reshape([1, 2], (2, 1)); jnp.ravel(f34, order="F"); jnp.ravel(f34, order="K");
    jnp.ravel(2.); jnp.squeeze(f34[None, :, :, None]); jnp.squeeze(f34[None], axis=0);
    jnp.squeeze(f34, axis=0); jnp.squeeze(f34[None], axis=(0, -1)); jnp.expand_dims(f34, 0);
    jnp.expand_dims(f34, (0, -1)); jnp.expand_dims(f34, 5); jnp.expand_dims(f34, (0, 0));
    jnp.transpose(f235); jnp.transpose(f235, (2, 0, 1)); jnp.transpose(f235, (0, 1));
    jnp.transpose(f235, (0, 1, 3)); jnp.permute_dims(f235, (1, 0, 2)); jnp.matrix_transpose(f235);
    jnp.swapaxes(f235, 0, -1); jnp.moveaxis(f235, 0, -1); jnp.moveaxis(f235, (0, 1), (-1, 0));
    jnp.moveaxis(f235, (0, 1), 0); jnp.moveaxis(f235, 5, 0); jnp.rollaxis(f235, 2);
    jnp.rollaxis(f235, 0, 3); jnp.rollaxis(f235, 0, 5); jnp.flip(f34); jnp.flip(f34, 0);
    jnp.flip(f34, (0, 1)); jnp.flip(f34, 2); jnp.fliplr(f34); jnp.flipud(f3); jnp.fliplr(f3);
    jnp.rot90(f34); jnp.rot90(f34, 2); jnp.rot90(f34, 3); jnp.rot90(f34, -1);
    jnp.rot90(f235, 1, (1, 2)); jnp.rot90(f3); jnp.rot90(f34, 1, (0, 0)); jnp.roll(f34, 1);
    jnp.roll(f34, 1, axis=1); jnp.roll(f34, (1, 2), axis=(0, 1)); jnp.roll(f34, 2, axis=(0, 1));
    jnp.roll(f34, -1, 0); jnp.roll(f34, i, axis=1); jnp.roll(f34, i3[:2], axis=(0, 1));
    jnp.roll(f3, 10); jnp.atleast_1d(3); jnp.atleast_1d(f, f3); jnp.atleast_2d(f3);
    jnp.atleast_3d(f3); jnp.atleast_3d(f34); jnp.atleast_3d(f, f3); jnp.atleast_2d([1, 2]);
    jnp.broadcast_to(f3, (2, 3)); jnp.broadcast_to(f3[:, None], (3, 2));
    jnp.broadcast_to(f3, (3, 2)); jnp.broadcast_to(2., (2,)); jnp.broadcast_to(f34, (3,));
    jnp.broadcast_to(f3, 3); jnp.broadcast_arrays(f3, f34[:, :3], 1); jnp.broadcast_arrays(f3, f4);
    jnp.broadcast_shapes((2, 1), (3,)); jnp.broadcast_shapes((2,), (3,));
    jnp.broadcast_shapes(2, 3); jnp.resize(f3, (2, 4)); jnp.resize(f3, 0); jnp.resize(f3, (-1,))
""",
    "joining": """
    jnp.concatenate([f3, i3]); jnp.concatenate([f3, f34]); jnp.concatenate([f34, f34], axis=2);
    jnp.concatenate([f34, f3[:, None]], axis=1); jnp.concatenate([]); jnp.concatenate([f, f]);
    jnp.concatenate(f34); jnp.concatenate([f34, f3], axis=None);
    jnp.concatenate([f3, i3], dtype="float16"); jnp.concatenate([[1], [2]]); jnp.concat([f3, f3]);
    jnp.stack([f3, i3]); jnp.stack([f3, i3], axis=-1); jnp.stack([f3, f4]); jnp.stack([f, 1]);
    jnp.stack(f34); jnp.stack([]); jnp.stack([f3, f3], axis=3); jnp.stack([f3, f3], dtype=int);
    jnp.stack([f3, f3], out=f3); jnp.vstack([f3, f3]); jnp.vstack([f, 1.]); jnp.vstack(f235);
    jnp.hstack([f3, 1.]); jnp.hstack([f34, f34]); jnp.hstack(f34); jnp.dstack([f3, f3]);
    jnp.dstack([f34, f34]); jnp.column_stack([f3, f34]); jnp.column_stack([f3, f3]);
    jnp.column_stack(f34); jnp.append(f3, i3); jnp.append(f34, f34, axis=0); jnp.append(f34, 1);
    jnp.block([f3, f3]); jnp.block([[f33, f33], [f34, f33[:, :2]]]);
    jnp.block([[f33, 1.], [2., f33]]); jnp.block((f3, f3)); jnp.block([]); jnp.block(3);
    jnp.block([[1], 2]); jnp.split(f4, 2); jnp.split(f4, 3); jnp.split(f4, [1, 3]);
    jnp.split(f4, [1, 3, 9]); jnp.split(f34, 2, axis=1); jnp.split(f34, 2, axis=-1);
    jnp.split(f4, jnp.array([1])); jnp.split(f4, [3, 1]); jnp.array_split(f4, 3);
    jnp.array_split(f34, 2); jnp.hsplit(f34, 2); jnp.hsplit(f4, 2); jnp.vsplit(f34, 3);
    jnp.dsplit(f235, 5); jnp.unstack(f34); jnp.unstack(f34, axis=1); jnp.unstack(f);
    jnp.tile(f3, 2); jnp.tile(f3, (2, 2)); jnp.tile(f34, 2); jnp.tile(f34, (2, 1, 1));
    jnp.tile(f, 3); jnp.tile(f3, 0); jnp.tile(f3, 1.5); jnp.repeat(f3, 2); jnp.repeat(f34, 2);
    jnp.repeat(f34, 2, axis=1); jnp.repeat(f3, i3); jnp.repeat(f3, [1, 2, 3]);
    jnp.repeat(f3, jnp.array([1, 2, 3])); jnp.repeat(f3, np.array([1, 2, 3]));
    jnp.repeat(f34, jnp.array([1, 2, 0]), axis=0); jnp.repeat(f3, i3, total_repeat_length=5);
    jnp.repeat(f3, 2, total_repeat_length=4); jnp.repeat(f3, i34); jnp.repeat(f3, jnp.array([2]));
    jnp.repeat(f3, jnp.array([1, 2])); jnp.repeat(f, 3); jnp.repeat(f3, 0)
""",
    "padding": """
    jnp.pad(f3, 1); jnp.pad(f34, ((1, 0), (0, 2)), constant_values=7);
    jnp.pad(f34, 1, constant_values=(1, 2)); jnp.pad(f34, 1, constant_values=((1, 2), (3, 4)));
    jnp.pad(f34, (1, 2)); jnp.pad(f34, ((1, 2),)); jnp.pad(f34, [1]); jnp.pad(f34, -1);
    jnp.pad(f34, 1.5); jnp.pad(f34, ((1,), (2,))); jnp.pad(f34, (1, 2, 3));
    jnp.pad(f3, 2, mode="edge"); jnp.pad(f34, ((1, 2), (0, 1)), mode="edge");
    jnp.pad(f3, 2, mode="wrap"); jnp.pad(f3, 7, mode="wrap");
    jnp.pad(f34, ((1, 2), (3, 5)), mode="wrap"); jnp.pad(f3, 2, mode="reflect");
    jnp.pad(f3, 7, mode="reflect"); jnp.pad(f3, 7, mode="reflect", reflect_type="odd");
    jnp.pad(f3, 7, mode="symmetric"); jnp.pad(f3, 4, mode="symmetric", reflect_type="odd");
    jnp.pad(f34, ((1, 2), (3, 5)), mode="symmetric"); jnp.pad(f3[:1], 2, mode="reflect");
    jnp.pad(f3[:0], 1, mode="reflect"); jnp.pad(f3, 2, mode="linear_ramp");
    jnp.pad(i3, 2, mode="linear_ramp", end_values=7);
    jnp.pad(f34, 2, mode="linear_ramp", end_values=((1, 2), (3, 4)));
    jnp.pad(f34, 2, mode="maximum"); jnp.pad(f34, 2, mode="minimum", stat_length=1);
    jnp.pad(f34, 1, mode="mean"); jnp.pad(i34, 1, mode="mean");
    jnp.pad(f34, 1, mode="median", stat_length=2); jnp.pad(f34, 1, mode="mean", stat_length=0);
    jnp.pad(f3, 1, mode="empty"); jnp.pad(f3, 1, mode="foo");
    jnp.pad(f3, 1, mode="edge", constant_values=1);
    jnp.pad(f34, 1, mode=lambda v, w, a, k: v.at[:w[0]].set(9).at[-w[1]:].set(8)); jnp.pad(2., 1);
    jnp.pad(f, ()); jnp.pad(b3, 1); jnp.pad(f3, 1, constant_values=f); jnp.pad([1, 2], 1)
""",
    "taking and putting": """
    jnp.take(f34, 1); jnp.take(f34, i3, axis=1); jnp.take(f34, i34, axis=0);
    jnp.take(f3, jnp.array([-1, 5])); jnp.take(i3, jnp.array([-1, 5]));
    jnp.take(u3, jnp.array([-5, 5])); jnp.take(f3, jnp.array([-1, 5]), fill_value=9);
    jnp.take(f3, jnp.array([-1, 5]), mode="clip"); jnp.take(f3, jnp.array([-1, 5]), mode="wrap");
    jnp.take(f3, 5, mode="raise"); jnp.take(f3, 5, mode="x"); jnp.take(f3, f3); jnp.take(f3, [1]);
    jnp.take(f34, 1, axis=3); jnp.take(f3[:0], 1); jnp.take(f3, i3[:0]);
    jnp.take_along_axis(f34, i34, axis=1); jnp.take_along_axis(f34, i34[:1]%3, axis=0);
    jnp.take_along_axis(f34, i34[:, :1], axis=1);
    jnp.take_along_axis(f34, jnp.array([5, 1, -1]), axis=None);
    jnp.take_along_axis(f34, i3, axis=0); jnp.take_along_axis(f34, f34, axis=1);
    jnp.take_along_axis(f34, jnp.array([[7, -9]]*3), axis=1);
    jnp.take_along_axis(f34, jnp.array([[7, -9]]*3), axis=1, mode="clip");
    jnp.take_along_axis(f34[:1], i34, axis=1); jnp.take_along_axis(f3, u3, 0);
    jnp.choose(i3, [f3, i3, u3]); jnp.choose(jnp.array([0, 5]), [1, 2]); jnp.choose(f3, [1, 2]);
    jnp.compress(b3, f3); jnp.compress(b3, f34, axis=0);
    jnp.compress(jnp.array([True]), f34, axis=1); jnp.compress(b3, f3, size=1);
    jnp.compress(b3, f3, size=3, fill_value=-1); jnp.compress(b34, f34); jnp.extract(f34>0, f34);
    jnp.extract(b3, f3, size=2, fill_value=9); jnp.put(f3, jnp.array([0, 5]), 9, inplace=False);
    jnp.put(f34, i3, f4, inplace=False);
    jnp.put(f34, jnp.array([0, 50]), 9, mode="clip", inplace=False);
    jnp.put(f34, jnp.array([0, 50]), 9, mode="wrap", inplace=False); jnp.put(f3, 0, 9);
    jnp.put(f3, 0, 9, mode="raise", inplace=False);
    jnp.put_along_axis(f34, i34, f34, 1, inplace=False);
    jnp.put_along_axis(f34, i3, 9, None, inplace=False); jnp.put_along_axis(f34, i34, 9, 1);
    jnp.place(f34, f34>0, jnp.array([7., 8]), inplace=False); jnp.place(f3, b3, 9, inplace=False);
    jnp.place(f3, b34, 9, inplace=False); jnp.fill_diagonal(f34, 5, inplace=False);
    jnp.fill_diagonal(f33, f3, inplace=False); jnp.fill_diagonal(f33, 5);
    jnp.fill_diagonal(f33, 5, wrap=True, inplace=False); jnp.fill_diagonal(f3, 5, inplace=False)
""",
    "editing and applying": """
    jnp.insert(f3, 1, 9); jnp.insert(f3, jnp.array([0, 2]), jnp.array([8, 9]));
    jnp.insert(f34, 1, f4, axis=0); jnp.insert(f34, 1, f3, axis=1);
    jnp.insert(f34, [1, 1], 9, axis=1); jnp.insert(f3, jnp.array([1, 1]), jnp.array([8, 9]));
    jnp.insert(f34, slice(0, 2), 7, axis=1); jnp.insert(f3, 10, 9); jnp.insert(f3, -1, 9);
    jnp.insert(f3, 1.5, 9); jnp.delete(f3, 1); jnp.delete(f34, 1, axis=1);
    jnp.delete(f34, slice(0, 2), axis=1); jnp.delete(f3, jnp.array([0, 2])); jnp.delete(f3, b3);
    jnp.delete(f3, 5); jnp.delete(f34, jnp.array([0, -1]), axis=1, assume_unique_indices=True);
    jnp.delete(f3, 1.5); jnp.trim_zeros(jnp.array([0, 0, 1, 0, 2, 0]));
    jnp.trim_zeros(jnp.array([0, 0, 1, 0, 2, 0]),"f"); jnp.trim_zeros(jnp.array([0, 0]));
    jnp.trim_zeros(jnp.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])); jnp.ix_(i3, i3[:2]);
    jnp.ix_(b3, i3); jnp.ix_(f34); jnp.unravel_index(jnp.array([0, 5, 11, -1]), (3, 4));
    jnp.unravel_index(20, (3, 4)); jnp.unravel_index(5, 6);
    jnp.ravel_multi_index((i3, i3), (3, 4)); jnp.ravel_multi_index((i3, i3), (3, 2));
    jnp.ravel_multi_index((i3, i3), (3, 2), mode="wrap");
    jnp.ravel_multi_index((i3, i3), (3, 2), mode="clip");
    jnp.ravel_multi_index((i3, i3), (3, 4), order="F");
    jnp.apply_along_axis(lambda x:x.sum(), 1, f34); jnp.apply_along_axis(lambda x:x[::-1], 0, f34);
    jnp.apply_along_axis(jnp.sort, 1, f235); jnp.apply_over_axes(jnp.sum, f235, [0, 2]);
    jnp.packbits(b3); jnp.packbits(b34, axis=1); jnp.packbits(i34, axis=0, bitorder="little");
    jnp.packbits(f3); jnp.unpackbits(u3); jnp.unpackbits(u3, count=10);
    jnp.unpackbits(u3, count=30, bitorder="little"); jnp.unpackbits(u3[:, None], axis=1);
    jnp.unpackbits(i3)
""",
    "sets": """
    jnp.unique(b5); jnp.unique(b5, return_index=True, return_inverse=True, return_counts=True);
    jnp.unique(f34); jnp.unique(i34%2, axis=0);
    jnp.unique(i34%2, axis=1, return_inverse=True, return_counts=True);
    jnp.unique(jnp.array([1., jnp.nan, jnp.nan]));
    jnp.unique(jnp.array([1., jnp.nan, jnp.nan]), equal_nan=False); jnp.unique(b5, size=2);
    jnp.unique(b5, size=5);
    jnp.unique(b5, size=5, fill_value=-1, return_counts=True, return_inverse=True);
    jnp.unique(jnp.zeros(0)); jnp.unique(jnp.zeros(0), size=2);
    jnp.unique(jnp.zeros(0), return_counts=True, return_inverse=True); jnp.unique(c3);
    jnp.unique(b3); jnp.unique_all(b5); jnp.unique_counts(b5); jnp.unique_inverse(i34);
    jnp.unique_values(b5); jnp.isin(b5, i3); jnp.isin(i34, b5, invert=True);
    jnp.isin(b5, i3, method="sort"); jnp.isin(b5, i3, method="binary_search", invert=True);
    jnp.isin(b5, i3, method="x"); jnp.isin(b5, 1); jnp.isin(f3, i3[:0]); jnp.union1d(b5, i3);
    jnp.union1d(b5, i3, size=3); jnp.union1d(b5, i3, size=7, fill_value=-1); jnp.setdiff1d(b5, i3);
    jnp.setdiff1d(b5, i3, assume_unique=True); jnp.setdiff1d(b5, i3, size=3);
    jnp.setdiff1d(b5, i3, size=3, fill_value=9); jnp.setxor1d(b5, i3);
    jnp.setxor1d(b5, i3, size=4); jnp.setxor1d(b5, i3, size=4, fill_value=0);
    jnp.intersect1d(b5, i3); jnp.intersect1d(b5, i3, return_indices=True);
    jnp.intersect1d(b5, i3, size=4); jnp.intersect1d(b5, i3, size=4, fill_value=9);
    jnp.intersect1d(b5, i3, size=4, return_indices=True);
    jnp.intersect1d(i3, i3[1:], assume_unique=True)
""",
    "vectorize": """
    jnp.vectorize(lambda x, y:x+y)(f34, f4);
    jnp.vectorize(jnp.dot, signature="(n),(n)->()")(f34, f4); jnp.vectorize(lambda x:(x, x+1))(f3);
    jnp.vectorize(lambda x:x, signature="(n->()")(f3);
    jnp.vectorize(lambda x, k:x*k, excluded={1})(f3, 2);
    jnp.vectorize(jnp.outer, signature="(n),(m)->(n,m)")(f34, f3);
    jnp.vectorize(jnp.dot, signature="(n),(n)->()")(f3, f4);
    jnp.vectorize(lambda x:x.sum(), signature="(n)->(n)")(f3)
""",
    "polynomials and windows": """
    jnp.polyval(f3, 2.); jnp.polyval(i3, f34); jnp.polyadd(f3, f4); jnp.polysub(f4, f3);
    jnp.polymul(f3, f4); jnp.polymul(i3, i3);
    jnp.polymul(jnp.array([0., 1, 2]), f3, trim_leading_zeros=True);
    jnp.polydiv(f4, jnp.array([1., 2])); jnp.polydiv(jnp.array([1., 2]), f4); jnp.polyder(f4);
    jnp.polyder(f4, 2); jnp.polyder(i3, 0); jnp.polyder(f4, -1); jnp.polyint(f4);
    jnp.polyint(f4, 2, k=jnp.array([1., 2])); jnp.polyint(f4, 2, k=3); jnp.polyint(f4, 2, k=f3);
    jnp.poly(f3); jnp.poly(f33); jnp.poly(jnp.zeros(0)); jnp.roots(jnp.array([1., -3, 2]));
    jnp.roots(jnp.array([0., 1., -3, 2]));
    jnp.roots(jnp.array([0., 1., -3, 2]), strip_zeros=False); jnp.roots(jnp.array([1., 0, 0]));
    jnp.roots(jnp.array([2.])); jnp.polyfit(f3, f3**2, 2); jnp.polyfit(f4, f4**2, 1, full=True);
    jnp.polyfit(f4, f4**2, 1, cov=True); jnp.polyfit(f4, f4**2, 1, cov="unscaled");
    jnp.polyfit(f4, f4**2, 1, w=f4**2); jnp.polyfit(f4, f34.T, 1); jnp.polyfit(f3, f4, 1);
    jnp.polyfit(f3, f3, -1); jnp.hamming(5); jnp.hamming(1); jnp.hamming(0); jnp.hanning(5);
    jnp.blackman(5); jnp.bartlett(6); jnp.kaiser(5, 2.); jnp.hamming(2.5)
""",
    "products": """
    jnp.dot(f34, f4); jnp.dot(f3, f3); jnp.dot(f34, f34); jnp.dot(f34, f34.T); jnp.dot(i3, f3);
    jnp.dot(b3, b3); jnp.dot(u3, u3); jnp.dot(f235, f34[:, :1].T[0][:5] if 0 else jnp.arange(5.));
    jnp.dot(f235, jnp.ones((4, 5, 2))); jnp.dot(2., 3); jnp.dot([1], [2]);
    jnp.dot(f3, f3, preferred_element_type="float16"); jnp.dot(f3, f3, precision="highest");
    f34@f4; f3@f34; f34.T@f34; f235@f235.mT; f235@jnp.ones((5,)); jnp.ones((3,))@f235;
    jnp.ones((4, 1, 3, 5))@f235.mT; f235@jnp.ones((1, 5, 2));
    jnp.ones((1, 3, 5))@jnp.ones((1, 5, 2)); f235@f235; i34@i34.T; f3@2.; jnp.matmul(f3, 2.);
    jnp.matmul(f34, [1, 2, 3, 4]); jnp.matmul(jnp.ones((2, 3, 4)), jnp.ones((3, 4, 5)));
    jnp.matmul(jnp.ones((2, 1, 3, 4)), jnp.ones((5, 4, 6))); jnp.vdot(c3, c3); jnp.vdot(f34, f34);
    jnp.vdot(f34, f3); jnp.inner(f34, f4); jnp.inner(f34, f34); jnp.inner(f3, 2);
    jnp.inner(2., 3.); jnp.outer(f34, i3); jnp.outer(2, f3); jnp.tensordot(f34, f34, 2);
    jnp.tensordot(f34, f34, ((0,), (0,))); jnp.tensordot(f34, f34, (0, 0));
    jnp.tensordot(f34, f34, 0); jnp.tensordot(f34, f34, 3);
    jnp.tensordot(f34, f34, ((0, 1), (0,))); jnp.tensordot(f34, f34,"a");
    jnp.tensordot(f235, f34, ((1,), (0,))); jnp.kron(f3, i3); jnp.kron(f34, f3); jnp.kron(2., f3);
    jnp.vecdot(f34, f4); jnp.vecdot(c3, c3); jnp.vecdot(f34, f3); jnp.vecdot(f235, f235, axis=1);
    jnp.matvec(f235, jnp.arange(5.)); jnp.vecmat(f3, f235); jnp.cross(f3, f3[::-1]);
    jnp.cross(f3[:2], f3[1:]); jnp.cross(f3[:2], f3); jnp.cross(f3, f3[:2]); jnp.cross(f4, f4);
    jnp.cross(f34, f34[::-1], axis=0); jnp.cross(f34.T, f3)
""",
    "einsum": """
    jnp.einsum("ij,jk", f34, f34.T); jnp.einsum("ij,jk->ki", f34, f34.T); jnp.einsum("ij->i", f34);
    jnp.einsum("ij->", f34); jnp.einsum("ij->ji", f34); jnp.einsum("ii", f33);
    jnp.einsum("ii->i", f33); jnp.einsum("iij->j", jnp.ones((3, 3, 2)));
    jnp.einsum("iii->i", jnp.arange(27.).reshape(3, 3, 3)); jnp.einsum("i,i", f3, f3);
    jnp.einsum("i,j", f3, f4); jnp.einsum("i,j->ji", f3, f4);
    jnp.einsum("bij,bjk->bik", f235, f235.mT); jnp.einsum("bij,jk->bik", f235, jnp.ones((5, 2)));
    jnp.einsum("ij,j,i->", f34, f4, f3); jnp.einsum("ij,jk,kl->il", f34, f34.T, f34);
    jnp.einsum("ij,jk,kl,lm->im", f34, f34.T, f34, f34.T);
    jnp.einsum("a,b,c,d,e->abcde", f3, f3, f3, f3, f3); jnp.einsum("...i,...i->...", f34, f4);
    jnp.einsum("...ij->...ji", f235); jnp.einsum("i...->...", f34);
    jnp.einsum("...j,jk", f34, f34.T); jnp.einsum("ij,ij->ij", f34, f34);
    jnp.einsum("ij,i->ij", f34, f3); jnp.einsum("ij,ik->jk", f34, f34);
    jnp.einsum("ij,kl->", f34, f34); jnp.einsum("ii,ij->j", f33, f33);
    jnp.einsum("ij,ij", i34, i34); jnp.einsum("ij,ij", b34, b34); jnp.einsum("i,i", f3, i3);
    jnp.einsum(f34, [0, 1], f4, [1], [0]); jnp.einsum(f34, [0, 1]); jnp.einsum(f34, [0, 1], [1]);
    jnp.einsum("ij,jk", f34, f34); jnp.einsum("ij", f3); jnp.einsum("ij,jk", f34);
    jnp.einsum("ij->k", f34); jnp.einsum("ij->ii", f34); jnp.einsum(" i j , j -> i ", f34, f4);
    jnp.einsum("ij,j", jnp.ones((3, 1)), f4);
    jnp.einsum("bij,bjk->bik", jnp.ones((1, 3, 5)), f235.mT);
    jnp.einsum("ij,jk,kl->il", f34, f34.T, f34, optimize=False);
    jnp.einsum("ij,jk,kl->il", f34, f34.T, f34, optimize="greedy");
    jnp.einsum("ij,jk,kl->il", f34, f34.T, f34, optimize=[(1, 2), (0, 1)]);
    jnp.einsum("ij,j", f34, f4, preferred_element_type="float16");
    jnp.einsum("ab,ab->a", c3[None], c3[None])
""",
    "norms": """
    jnp.linalg.norm(f34); jnp.linalg.norm(f3); jnp.linalg.norm(f34, axis=0);
    jnp.linalg.norm(f34, axis=(0, 1)); jnp.linalg.norm(f34, 1); jnp.linalg.norm(f34, -1);
    jnp.linalg.norm(f34, 2); jnp.linalg.norm(f34, -2); jnp.linalg.norm(f34, jnp.inf);
    jnp.linalg.norm(f34, -jnp.inf, keepdims=True); jnp.linalg.norm(f34,"nuc");
    jnp.linalg.norm(f34,"fro", keepdims=True); jnp.linalg.norm(f34, 3); jnp.linalg.norm(f34,"x");
    jnp.linalg.norm(f3, 1); jnp.linalg.norm(f3, 3); jnp.linalg.norm(f3, 0);
    jnp.linalg.norm(f3, jnp.inf); jnp.linalg.norm(f3, -jnp.inf); jnp.linalg.norm(f3,"inf");
    jnp.linalg.norm(f235); jnp.linalg.norm(f235, 2); jnp.linalg.norm(f235, axis=(0, 2), ord=1);
    jnp.linalg.norm(f235, axis=(2, 0), ord=jnp.inf); jnp.linalg.norm(c3); jnp.linalg.norm(i3);
    jnp.linalg.vector_norm(f34); jnp.linalg.vector_norm(f34, axis=1, ord=1);
    jnp.linalg.vector_norm(i3); jnp.linalg.matrix_norm(f235); jnp.linalg.matrix_norm(f34, ord=2)
""",
    "linear algebra": """
    jnp.linalg.inv(f33); jnp.linalg.inv(f34); jnp.linalg.inv(jnp.stack([f33, f33*2]));
    jnp.linalg.inv(f33.astype(int)); jnp.linalg.det(f33); jnp.linalg.det(f33[:2, :2]);
    jnp.linalg.det(f33[:1, :1]); jnp.linalg.det(jnp.eye(5)*2+0.5);
    jnp.linalg.det(jnp.stack([f33, f33*2])); jnp.linalg.det(jnp.ones((4, 4))); jnp.linalg.det(f34);
    jnp.linalg.det(i34[:3, :3]); jnp.linalg.slogdet(f33); jnp.linalg.slogdet(-f33);
    jnp.linalg.slogdet(f33[:2, :2]); jnp.linalg.slogdet(f33[:1, :1]);
    jnp.linalg.slogdet(jnp.zeros((3, 3))); jnp.linalg.slogdet(f33, method="qr");
    jnp.linalg.slogdet(f33, method="x"); jnp.linalg.slogdet(f33*(1+1j)); jnp.linalg.solve(f33, f3);
    jnp.linalg.solve(f33, f34); jnp.linalg.solve(jnp.stack([f33, f33*2]), f34);
    jnp.linalg.solve(jnp.stack([f33, f33*2]), f3); jnp.linalg.solve(f33, f4);
    jnp.linalg.solve(f34, f4); jnp.linalg.solve(f3, f3);
    jnp.linalg.solve(f33, jnp.stack([f34, f34])); jnp.linalg.solve(f33.astype(int), i3);
    jnp.linalg.cholesky(f33); jnp.linalg.cholesky(f33, upper=True); jnp.linalg.cholesky(-f33);
    jnp.linalg.cholesky(f33*(1+0j)); jnp.abs(jnp.linalg.qr(f33)[1]); jnp.abs(jnp.linalg.qr(f34).Q);
    jnp.abs(jnp.linalg.qr(f34.T, mode="complete")[1]); jnp.abs(jnp.linalg.qr(f34, mode="r"));
    jnp.linalg.qr(f34, mode="x"); jnp.linalg.svd(f34)[1]; jnp.linalg.svd(f34, compute_uv=False);
    jnp.linalg.svd(f33, hermitian=True).S; jnp.linalg.svd(f33, hermitian=True, compute_uv=False);
    jnp.linalg.svdvals(f34); jnp.linalg.eigh(f33)[0]; jnp.linalg.eigh(f33,"U").eigenvalues;
    jnp.linalg.eigh(f33,"X"); jnp.linalg.eigvalsh(f33); jnp.sort(jnp.linalg.eigvals(f33));
    jnp.sort(jnp.linalg.eig(f33)[0]); jnp.linalg.matrix_power(f33, 0);
    jnp.linalg.matrix_power(f33, 1); jnp.linalg.matrix_power(f33, 2);
    jnp.linalg.matrix_power(f33/4, 5); jnp.linalg.matrix_power(f33, -2);
    jnp.linalg.matrix_power(f34, 2); jnp.linalg.matrix_power(f33, 1.5);
    jnp.linalg.matrix_power(f3, 2); jnp.linalg.pinv(f34); jnp.linalg.pinv(f34.T);
    jnp.linalg.pinv(f33, hermitian=True); jnp.linalg.pinv(f34, rtol=0.5);
    jnp.linalg.pinv(f34, rtol=0.5, rcond=.1); jnp.linalg.matrix_rank(f34);
    jnp.linalg.matrix_rank(f33); jnp.linalg.matrix_rank(f3); jnp.linalg.matrix_rank(f33, tol=3.);
    jnp.linalg.cond(f33); jnp.linalg.cond(f33, 1); jnp.linalg.cond(f33,"fro");
    jnp.linalg.cond(f33, -2); jnp.linalg.cond(f34, 1); jnp.linalg.cond(f3);
    jnp.linalg.lstsq(f34.T, f4); jnp.linalg.lstsq(f34.T[:, :2], f34.T);
    jnp.linalg.lstsq(f34, f3, rcond=0.1); jnp.linalg.lstsq(f33, f3, numpy_resid=True);
    jnp.linalg.lstsq(f34, f4); jnp.linalg.multi_dot([f34, f34.T, f34]);
    jnp.linalg.multi_dot([f3, f34, f4]); jnp.linalg.multi_dot([f3]);
    jnp.linalg.multi_dot([f34, f34]); jnp.linalg.multi_dot([f235, f34]);
    jnp.linalg.cross(f3, f3[::-1]); jnp.linalg.cross(f3[:2], f3[:2]); jnp.linalg.outer(f3, f4);
    jnp.linalg.outer(f34, f4); jnp.linalg.matmul(f34, f4); jnp.linalg.vecdot(f3, f3);
    jnp.linalg.tensordot(f34, f34); jnp.linalg.trace(f235); jnp.linalg.diagonal(f235, offset=1);
    jnp.linalg.matrix_transpose(f235); jnp.linalg.tensorinv(jnp.eye(6).reshape(2, 3, 3, 2));
    jnp.linalg.tensorinv(f34);
    jnp.linalg.tensorsolve(jnp.eye(6).reshape(2, 3, 3, 2)*2, jnp.arange(6.).reshape(2, 3))
""",
    "Fourier transforms": """
    jnp.fft.fft(f4); jnp.fft.fft(f4, n=6); jnp.fft.fft(f4, n=2); jnp.fft.fft(f34, axis=0);
    jnp.fft.fft(f4, norm="ortho"); jnp.fft.fft(f4, norm="forward"); jnp.fft.fft(f4, norm="x");
    jnp.fft.fft(f4, n=0); jnp.fft.fft(f34, axis=(0, 1)); jnp.fft.fft(i3); jnp.fft.fft([1, 2]);
    jnp.fft.ifft(c3); jnp.fft.ifft(c3, norm="ortho"); jnp.fft.ifft(c3, norm="forward");
    jnp.fft.rfft(f4); jnp.fft.rfft(f34, n=3, axis=0); jnp.fft.rfft(c3); jnp.fft.irfft(c3);
    jnp.fft.irfft(c3, n=5); jnp.fft.irfft(c3, norm="ortho"); jnp.fft.hfft(c3);
    jnp.fft.hfft(c3, n=5, norm="ortho"); jnp.fft.ihfft(f4); jnp.fft.ihfft(f4, n=3);
    jnp.fft.fft2(f34); jnp.fft.fft2(f34, s=(2, 5)); jnp.fft.fft2(f34, axes=(0,));
    jnp.fft.ifft2(f34); jnp.fft.rfft2(f34); jnp.fft.irfft2(f34); jnp.fft.fftn(f235, axes=(0, 2));
    jnp.fft.fftn(f235, s=(2, 3), axes=(0, 1)); jnp.fft.fftn(f235, s=(2,), axes=(0, 1));
    jnp.fft.fftn(f235, axes=(0, 0)); jnp.fft.fftn(jnp.ones((2, 2, 2, 2, 3))); jnp.fft.ifftn(f235);
    jnp.fft.rfftn(f235); jnp.fft.irfftn(f235); jnp.fft.irfftn(f235, s=(3, 4), axes=(1, 2));
    jnp.fft.fftfreq(5); jnp.fft.fftfreq(6, d=0.1); jnp.fft.fftfreq([5]); jnp.fft.rfftfreq(5);
    jnp.fft.rfftfreq(6, d=2); jnp.fft.fftshift(f34); jnp.fft.fftshift(f34, axes=0);
    jnp.fft.ifftshift(f34, axes=(0, 1))
""",
    "ufuncs": """
    jnp.add.reduce(f34); jnp.add.reduce(f34, axis=None);
    jnp.add.reduce(f34, axis=1, keepdims=True); jnp.add.reduce(f34, where=b34);
    jnp.add.reduce(f34, initial=3.); jnp.add.accumulate(f34, axis=1);
    jnp.add.at(f3, jnp.array([0, 0, 2]), 5., inplace=False); jnp.add.at(f3, 0, 5.);
    jnp.add.outer(f3, f4); jnp.add.reduceat(f4, jnp.array([0, 2])); jnp.add.identity; jnp.add.nin;
    jnp.multiply.reduce(f34); jnp.multiply.accumulate(i3+1);
    jnp.multiply.at(f3, jnp.array([1, 1]), 3., inplace=False); jnp.subtract.reduce(f34);
    jnp.subtract.accumulate(f4); jnp.subtract.outer(f3, i3);
    jnp.subtract.at(f3, 1, 3., inplace=False); jnp.maximum.reduce(f34, axis=1);
    jnp.maximum.accumulate(f4); jnp.maximum.reduce(f34, where=b34); jnp.minimum.outer(f3, f4);
    jnp.logical_and.reduce(b34); jnp.logical_or.reduce(i34); jnp.logical_xor.reduce(b34);
    jnp.bitwise_and.reduce(i34); jnp.bitwise_or.reduce(i34, axis=None);
    jnp.bitwise_xor.reduce(i34); jnp.logaddexp.reduce(f34); jnp.logaddexp2.reduce(f34);
    jnp.logaddexp.reduce(f34, axis=None, keepdims=True); jnp.negative.reduce(f3);
    jnp.negative.at(f3, 0, inplace=False); jnp.frompyfunc(lambda x, y:x*y+1, 2, 1)(f3, f34[:, :3]);
    jnp.frompyfunc(lambda x, y:x*y+1, 2, 1).reduce(f4);
    jnp.frompyfunc(lambda x, y:x*y+1, 2, 1).accumulate(f4);
    jnp.frompyfunc(lambda x, y:x*y+1, 2, 1).outer(f3, f3);
    jnp.frompyfunc(lambda x, y:x*y+1, 2, 1).at(f3, jnp.array([0, 0]), 2., inplace=False);
    jnp.frompyfunc(lambda x:x+1, 1, 1)(f3); jnp.add(f3, f3, out=f3); jnp.add(f3); jnp.sin(f3, f3);
    jnp.sin(x=f3)
""",
}

# --- programs: the printed text -----------------------------------------------------------------

PROGRAMS = {
    "elementwise": """
    jnp.sin(f3); jnp.sin(i3); jnp.abs(f3); jnp.add(f3, i3); f3+1; f3+i3; f34+f4; f34*f3[:, None];
    jnp.add(f34, f4); jnp.true_divide(i3, i3); i3/2; i3//2; f3//2; f3%2; i3%2; divmod(f3, 2);
    f3**2; f3**3; f3**0; f3**-1; f3**2.0; f3**0.5; f3**f3; i3**2; i3**i3; 2**i3; 2.0**f3;
    jnp.power(f3, 2); jnp.power(f3, 3); jnp.power(i3, i3); jnp.square(f3); jnp.reciprocal(f3);
    jnp.sqrt(i3); jnp.cbrt(f3); jnp.exp2(f3); jnp.log2(f3); jnp.log10(f3); jnp.logaddexp(f3, f3);
    jnp.hypot(f3, f3); jnp.sinc(f3); jnp.sign(f3); jnp.sign(c3); jnp.signbit(f3);
    jnp.copysign(f3, f3); jnp.heaviside(f3, f3); jnp.fmod(f3, f3); jnp.maximum(f3, 0);
    jnp.minimum(f3, i3); jnp.fmax(f3, 0); jnp.isnan(f3); jnp.isnan(i3); jnp.isinf(f3);
    jnp.isfinite(f3); jnp.isclose(f3, f3); jnp.allclose(f3, f3); jnp.array_equal(f3, f3);
    jnp.equal(f3, i3); f3==i3; f3<2; f3>=f; ~b3; ~i3; -f3; +f3; abs(f3); b3&b3; i3<<2; i3>>2;
    jnp.logical_and(f3, b3); jnp.logical_not(f3); jnp.rad2deg(f3); jnp.deg2rad(f3); jnp.real(c3);
    jnp.imag(c3); jnp.real(f3); jnp.imag(f3); jnp.conj(c3); jnp.conj(f3); jnp.angle(c3);
    jnp.round(f3); jnp.round(f3, 2); jnp.round(i3); jnp.rint(f3); jnp.floor(f3); jnp.floor(i3);
    jnp.trunc(f3); jnp.ceil(f3); jnp.float_power(f3, f3); jnp.nextafter(f3, f3); jnp.modf(f3);
    jnp.i0(f3); jnp.bitwise_count(i3); jnp.clip(f3, 0, 1); jnp.clip(f3, min=0);
    jnp.clip(i3, 0, 1.5); f3.clip(0, 1); jnp.nan_to_num(f3); jnp.where(f3>0, f3, 0);
    jnp.where(b3, 1, 2); jnp.where(b3, f3, i3); jnp.where(f3, f3, i3); jnp.where(f34>0, f4, 0.);
    jnp.where(b3, f34[:, :3], 0.); jnp.select([b3, b3], [f3, i3], 0); jnp.spacing(f3);
    jnp.arctan2(f3, f3); jnp.positive(f3); jnp.fabs(f3); jnp.divmod(f3, f3); jnp.remainder(f3, f3);
    jnp.mod(i3, 2); jnp.floor_divide(f3, i3); jnp.subtract(f3, b3); jnp.expm1(f3); jnp.tanh(f3);
    jnp.bitwise_and(i3, i3); jnp.left_shift(i3, i3); jnp.unwrap(f3)
""",
    "reducing and contracting": """
    jnp.sum(f34); jnp.sum(f34, axis=1); jnp.sum(f34, axis=-1, keepdims=True); jnp.sum(i34);
    jnp.sum(b3); jnp.sum(u3); jnp.sum(f34, where=b34); jnp.sum(f34, initial=2.); jnp.prod(f34);
    jnp.max(f34, axis=0); jnp.max(i34); jnp.max(f34, where=b34, initial=0); jnp.min(f34);
    jnp.mean(f34); jnp.mean(i34, axis=0); jnp.mean(f34, axis=0, keepdims=True);
    jnp.mean(f34, where=b34); jnp.var(f34); jnp.var(f34, axis=1, ddof=1); jnp.var(i34);
    jnp.var(c3); jnp.std(f34, axis=0); f34.std(); f34.mean(); f34.sum(); f34.max(); f34.all();
    f34.argmax(); f34.cumsum(0); jnp.any(f34); jnp.all(b3); jnp.ptp(f34); jnp.count_nonzero(f34);
    jnp.average(f34); jnp.average(f34, axis=0, weights=f3); jnp.average(f34, weights=f34);
    jnp.nansum(f3); jnp.nanmean(f3); jnp.nanmax(f3); jnp.nanvar(f3); jnp.nanstd(f3);
    jnp.nanprod(f3); jnp.cumsum(f3); jnp.cumsum(f34); jnp.cumsum(f34, axis=1); jnp.cumsum(b3);
    jnp.cumprod(f3); jnp.nancumsum(f3); jnp.cumulative_sum(f3, include_initial=True); jnp.diff(f3);
    jnp.diff(f34, n=2, axis=0); jnp.ediff1d(f3); jnp.trapezoid(f3); jnp.trapezoid(f3, f3);
    jnp.gradient(f3); jnp.argmax(f34); jnp.argmax(f34, axis=1);
    jnp.argmin(f34, axis=0, keepdims=True); jnp.nanargmax(f3); jnp.sort(f3); jnp.sort(f34, axis=0);
    jnp.sort(f3, descending=True); jnp.argsort(f3); jnp.argsort(f34, axis=0, descending=True);
    jnp.lexsort((f3, i3)); jnp.partition(f3, 1); jnp.argpartition(f3, 1);
    jnp.bincount(i3, length=4); jnp.nonzero(i3, size=2); jnp.argwhere(i3, size=2);
    jnp.flatnonzero(i3, size=2); jnp.convolve(f3, f4); jnp.convolve(f3, f4, mode="same");
    jnp.correlate(f3, f4); jnp.polyadd(f3, f4); jnp.polymul(f3, f4); jnp.polyder(f3);
    jnp.polyint(f3); jnp.poly(f3); jnp.vander(f3); jnp.isin(i3, i3); jnp.dot(f3, f3);
    jnp.dot(f34, f4); jnp.dot(f, f3); jnp.matmul(f34, f4); f34@f4; f34.T@f33; f3@f3;
    f235@f235.swapaxes(1, 2); f235@jnp.ones((5, 2)); jnp.ones((5, 2)).T@f235.swapaxes(1, 2);
    jnp.vdot(f3, f3); jnp.vdot(c3, c3); jnp.inner(f34, f34); jnp.outer(f3, f4);
    jnp.tensordot(f34, f34, 2); jnp.tensordot(f34, f3, ((0,), (0,))); jnp.kron(f3, f4);
    jnp.kron(f34, f33); jnp.einsum("ij,j", f34, f4); jnp.einsum("ij,kj->ik", f34, f34);
    jnp.einsum("ii", f33); jnp.einsum("ij->j", f34); jnp.einsum("ij,j,i->", f34, f4, f3);
    jnp.einsum("bij,bkj->bik", f235, f235); jnp.einsum("...ij,...jk", f33, f33);
    jnp.einsum("i,j->ij", f3, f4); jnp.einsum("ii->i", f33); jnp.einsum("ij->ji", f34);
    jnp.vecdot(f34, f4); jnp.matvec(f34, f4); jnp.vecmat(f3, f34); jnp.cross(f3, f3);
    jnp.trace(f33)
""",
    "shaping": """
    jnp.array(f3); jnp.array(2.); jnp.array([1, 2]); jnp.array([f, 1.]); jnp.array([f3, f3]);
    jnp.array([[f, 1.], [2, 3]]); jnp.array([f, i]); jnp.array([1, 2.])+f; jnp.asarray(f3);
    jnp.asarray(f3, dtype="int32"); jnp.array(f3, dtype="float16");
    jnp.array([i, 2], dtype="float32"); jnp.zeros(3)+f; jnp.zeros((2, 3), int)+f; jnp.ones(3)+f;
    jnp.full((2,), f); jnp.full((3,), f3); jnp.full((2, 3), 2.); jnp.zeros_like(f3);
    jnp.ones_like(f3); jnp.full_like(f3, 2); jnp.full_like(f34, f3[0]); jnp.empty(3)+f;
    jnp.arange(3)+i; jnp.arange(3.)+f; jnp.arange(1, 7, 2)+i; jnp.arange(0., 1, .1)+f;
    jnp.linspace(0, 1, 5)+f; jnp.linspace(f, 1, 5); jnp.logspace(0, 1, 5)+f;
    jnp.geomspace(1, 10, 5)+f; jnp.eye(3)+f; jnp.eye(3, 4, 1, dtype=int)+f; jnp.identity(3)+f;
    jnp.tri(3)+f; jnp.tril(f33); jnp.triu(f33, 1); jnp.diag(f3); jnp.diag(f33, 1);
    jnp.meshgrid(f3, f4); jnp.meshgrid(f3, f4, indexing="ij", sparse=True); jnp.indices((2, 3));
    jnp.concatenate([f3, f3]); jnp.concatenate([f3, i3]); jnp.concatenate([f34, f34], axis=1);
    jnp.concatenate([f34, f34], axis=None); jnp.stack([f3, f3]); jnp.stack([f3, f3], axis=1);
    jnp.vstack([f3, f3]); jnp.hstack([f3, f3]); jnp.dstack([f3, f3]); jnp.column_stack([f3, f3]);
    jnp.append(f3, 1.); jnp.block([[f33, f33], [f33, f33]]); jnp.split(f3, 3); jnp.split(f4, [1]);
    jnp.array_split(f4, 3); jnp.hsplit(f34, 2); jnp.vsplit(f34, 3); jnp.tile(f3, 2);
    jnp.tile(f3, (2, 1)); jnp.repeat(f3, 2); jnp.repeat(f34, 2, axis=1);
    jnp.repeat(f3, i3, total_repeat_length=4); jnp.repeat(f3, np.array([1, 2, 0]));
    jnp.roll(f3, 1); jnp.roll(f34, 1, axis=0); jnp.roll(f34, (1, 2), axis=(0, 1)); jnp.rot90(f34);
    jnp.flip(f34); jnp.flip(f34, 1); jnp.fliplr(f34); jnp.pad(f3, 1);
    jnp.pad(f3, (1, 2), constant_values=3); jnp.pad(f3, 1, mode="edge");
    jnp.pad(f3, 1, mode="reflect"); jnp.pad(f3, 1, mode="wrap"); jnp.pad(f3, 1, mode="symmetric");
    jnp.pad(f3, 2, mode="mean"); jnp.moveaxis(f235, 0, 1); jnp.swapaxes(f235, 0, 1);
    jnp.transpose(f34); f34.T; f34.mT; jnp.expand_dims(f3, 0); jnp.squeeze(f3[None]);
    jnp.ravel(f34); f34.ravel(); f34.reshape(4, 3); f34.reshape(-1); jnp.reshape(f34, (2, 6));
    jnp.reshape(f34, (2, 6), order="F"); f34.flatten(); jnp.broadcast_to(f3, (2, 3));
    jnp.broadcast_to(f, (2, 3)); jnp.broadcast_arrays(f3, f34[:, :3]); jnp.atleast_1d(f);
    jnp.atleast_2d(f3); jnp.atleast_3d(f3); jnp.take(f3, i3); jnp.take(f34, i3, axis=1);
    jnp.take(f3, i); jnp.take_along_axis(f34, i34, axis=1); jnp.choose(i3, [f3, f3, f3]);
    jnp.delete(f3, 1); jnp.resize(f3, (5,)); jnp.ix_(i3, i3); jnp.unravel_index(i3, (2, 2));
    jnp.ravel_multi_index((i3, i3), (4, 4), mode="clip"); jnp.apply_along_axis(jnp.sum, 0, f34);
    jnp.vectorize(lambda x:x+1)(f3); jnp.vectorize(jnp.dot, signature="(n),(n)->()")(f34, f34);
    jnp.copy(f3); f3.copy(); f3.astype(int); f3.astype("float32"); jnp.astype(f3,"int8");
    f3.view("int32"); jnp.packbits(b3); jnp.hamming(5)+f; jnp.linalg.norm(f3);
    jnp.linalg.norm(f34); jnp.linalg.norm(f34, axis=1); jnp.linalg.norm(f3, ord=1);
    jnp.linalg.norm(f34, ord=2); jnp.linalg.cholesky(f33); jnp.linalg.qr(f33); jnp.linalg.svd(f33);
    jnp.linalg.eigh(f33); jnp.linalg.eigvalsh(f33); jnp.linalg.matrix_power(f33, 3);
    jnp.linalg.matrix_rank(f33); jnp.linalg.cond(f33); jnp.linalg.multi_dot([f33, f33, f33]);
    jnp.fft.fft(f3); jnp.fft.ifft(f3); jnp.fft.rfft(f3); jnp.fft.irfft(c3); jnp.fft.fft2(f33);
    jnp.fft.fftshift(f3); jnp.fft.fft(f3, n=5); jnp.fft.fftfreq(4);
    jnp.fill_diagonal(f33, 2., inplace=False); jnp.put(f3, i3, 2., inplace=False);
    jnp.put_along_axis(f34, i34, 2., 1, inplace=False); jnp.nan_to_num(c3);
    jnp.cumulative_prod(f3); jnp.add.at(f3, i3, 2., inplace=False); jnp.add.reduce(f34);
    jnp.multiply.accumulate(f3); jnp.maximum.reduce(f3)
""",
    "constants": """
    f3*np.float64(2); f3*np.float32(2); i3*np.float32(2); f3*np.int32(2); f3*np.arange(3);
    f3*np.arange(3.); f3*np.array(2); f3*jnp.array(2); f3*jnp.float32(2); f3*True; b3*2; b3+b3;
    b3+True; i3*2.5; u3+1; u3+1.5; f3+1j; f3+jnp.arange(3); jnp.sin(2.)+f3; jnp.sin(2)+f3;
    jnp.sin(np.arange(3))+f3; f3.astype("bfloat16")*2.5; f3.astype("bfloat16")*f; 2.5-f3; -1**f3;
    f3[0]+1; jnp.where(f3>0, np.arange(3.), f3); jnp.add(1, 2); jnp.add(1., 2);
    jnp.multiply(True, True)
""",
}

# --- derivatives of the sum, with respect to y, of shape (3, 4) -----------------------------------

DERIVATIVES = """
    jnp.sin(y); jnp.exp(y); jnp.log(y+5); jnp.sqrt(y+5); jnp.cbrt(y+5); jnp.exp2(y); jnp.log2(y+5);
    jnp.log10(y+5); jnp.expm1(y); jnp.log1p(y+5); jnp.square(y); jnp.reciprocal(y+5); y**2; y**3;
    y**-2; y**2.5; 2**y; (y+5)**y; jnp.power(y, 3); jnp.float_power(y+5, 2); jnp.tan(y);
    jnp.arcsin(y/9); jnp.arccos(y/9); jnp.arctan(y); jnp.sinh(y); jnp.cosh(y); jnp.tanh(y);
    jnp.arcsinh(y); jnp.arccosh(y+9); jnp.arctanh(y/9); jnp.arctan2(y, y+5); jnp.deg2rad(y);
    jnp.abs(y); jnp.maximum(y, 1.); jnp.minimum(y, y*2); jnp.fmax(y, 1.); jnp.where(y>1, y, y**2);
    jnp.clip(y, 0, 2); jnp.clip(y, y-1, 2); y/(y+7); y%3; jnp.fmod(y, 3); y//2; jnp.sign(y);
    jnp.floor(y); jnp.round(y); jnp.sinc(y); jnp.hypot(y, 2.); jnp.logaddexp(y, 1.);
    jnp.logaddexp2(y, y*y); jnp.i0(y); jnp.nan_to_num(y); jnp.heaviside(y, 1.);
    jnp.copysign(y, -1.); jnp.ldexp(y, 2); jnp.frexp(y)[0]; jnp.modf(y)[0]; jnp.trunc(y);
    jnp.select([y>1, y>0], [y, y**2], y**3);
    jnp.piecewise(y, [y<0, y>2], [lambda x:-x, lambda x:x**2]); jnp.unwrap(y);
    jnp.sum(y, axis=0)**2; jnp.prod(y+5, axis=1); jnp.max(y, axis=0); jnp.min(y);
    jnp.mean(y, axis=1); jnp.var(y, axis=0); jnp.std(y); jnp.std(y, axis=1, ddof=1);
    jnp.average(y, axis=1, weights=jnp.array([1., 2, 3, 4])); jnp.nansum(y, axis=0)**2;
    jnp.nanmean(y); jnp.nanvar(y, axis=0); jnp.nanmedian(y); jnp.cumsum(y, axis=1)**2;
    jnp.cumprod(y+5, axis=0); jnp.ptp(y); jnp.diff(y, axis=0)**2; jnp.trapezoid(y);
    jnp.gradient(y)[0]**2; jnp.cov(y); jnp.corrcoef(y+y**2); jnp.convolve(y[0], y[1]);
    jnp.correlate(y[0], y[1], mode="full"); jnp.sort(y, axis=0)**2*jnp.arange(4);
    jnp.partition(y[:, 0], 1)*f3; jnp.linalg.norm(y); jnp.linalg.norm(y, axis=1);
    jnp.linalg.norm(y, 2); jnp.linalg.norm(y, 1); jnp.reshape(y, (4, 3))*jnp.arange(3); y.T@y;
    jnp.ravel(y, order="F")*jnp.arange(12); jnp.roll(y, 1)*y; jnp.flip(y, 0)*y;
    jnp.rot90(y)*jnp.arange(3); jnp.tile(y, (2, 1))*jnp.arange(4); jnp.repeat(y, 2, axis=0)**2;
    jnp.concatenate([y, y*y], axis=1)**2; jnp.stack([y, y*2])**2; jnp.split(y, 2, axis=1)[1]**2;
    jnp.pad(y, 1)**2; jnp.pad(y, 1, mode="edge")**2; jnp.pad(y, 2, mode="reflect")**2;
    jnp.pad(y, 2, mode="wrap")**2; jnp.pad(y, 2, mode="linear_ramp")**2;
    jnp.pad(y, 1, mode="mean")**2; jnp.broadcast_to(y, (2, 3, 4))**2; jnp.expand_dims(y, 0)**2;
    jnp.swapaxes(y, 0, 1)*f3; jnp.take(y, i3, axis=1)**2; jnp.take_along_axis(y, i34, axis=1)**2;
    jnp.diag(y)**2; jnp.diagonal(y, 1)**2; jnp.trace(y)**2; jnp.tril(y)**2; jnp.triu(y, 1)**2;
    jnp.meshgrid(y[0], y[1])[0]**2; jnp.linspace(y[0, 0], y[1, 1], 5)**2;
    jnp.logspace(y[0, 0], y[0, 1], 3); jnp.full((2,), y[0, 0])**2; jnp.vander(y[0], 3)**2;
    jnp.insert(y, 1, 2., axis=0)**2; jnp.delete(y, 1, axis=0)**2; jnp.append(y, y)**2;
    jnp.block([[y, y], [y, y]])**2; jnp.array([y[0, 0], 2., y[1, 1]])**2; jnp.array([y, y*2])**2;
    jnp.apply_along_axis(lambda v:v**2, 0, y);
    jnp.vectorize(jnp.dot, signature="(n),(n)->()")(y, y); jnp.polymul(y[0], y[1]);
    y.at[0].set(y[1]*2)**2; y.at[i3].add(y)**2; y.at[i3, 0].multiply(3.)**2;
    y.at[:, 1:3].max(1.)**2; y.at[b3].divide(2.)**2; jnp.nan_to_num(y);
    jnp.fill_diagonal(y, 2., inplace=False)**2;
    jnp.put_along_axis(y, i34[:, :1], 5., 1, inplace=False)**2; y.clip(0, 2)**2;
    y.astype("float16").astype("float32")**2; y[::-1, 1:]*y[:, 1:]; y[:, None]*y[None];
    jnp.einsum("ij,kj->ik", y, y)**2; jnp.einsum("ij,ij->", y, y);
    jnp.einsum("ij,ik,il->jkl", y, y, y); jnp.tensordot(y, y, 2); jnp.outer(y, y[0]);
    jnp.kron(y, y); jnp.cross(y[:, :3], y[:, 1:]); jnp.inner(y, y); jnp.vdot(y, y); y@y.T;
    jnp.linalg.inv(f33+y[:, :3]); jnp.linalg.det(f33+y[:, :3]);
    jnp.linalg.det(jnp.eye(4)*3+y[0]*y[1][:, None]); jnp.linalg.slogdet(f33+y[:, :3])[1];
    jnp.linalg.solve(f33, y)**2; jnp.linalg.cholesky(f33+y[:, :3]@y[:, :3].T);
    jnp.linalg.qr(f33+y[:, :3])[1]**2;
    jnp.linalg.svd(y, compute_uv=False, full_matrices=False)[:1]**2;
    jnp.linalg.eigh(f33+y[:, :3])[0]**2; jnp.linalg.eigvalsh(f33+y[:, :3])**3;
    jnp.linalg.matrix_power(f33+y[:, :3], 3); jnp.linalg.lstsq(f33+y[:, :3], f3)[0];
    jnp.linalg.multi_dot([y, y.T, y]); jnp.abs(jnp.fft.fft(y))**2;
    jnp.fft.irfft(jnp.fft.rfft(y)*2)**2; jnp.abs(jnp.fft.rfft(y, n=6))**2;
    jnp.abs(jnp.fft.fft2(y, norm="ortho"))**2; jnp.real(jnp.fft.ihfft(y))**2;
    jnp.fft.hfft(y+0j)**2; jnp.add.reduce(y)**2; jnp.maximum.reduce(y); jnp.abs((y+1j*y**2));
    jnp.angle(y+2j); jnp.real((y+1j)**3); jnp.imag(jnp.exp(1j*y));
    jnp.real(jnp.conj(y+1j*y)*(y-1j))
"""

# These are made in another way than JAX makes them, without loops, and have more equations.
LONGER_DERIVATIVES = """
    jnp.median(y, axis=0); jnp.quantile(y, .3, axis=1);
    jnp.interp(y, jnp.arange(5.), jnp.arange(5.)**2);
    jnp.interp(jnp.arange(3.), y[0]-y[0, 0], y[1]); jnp.histogram(y, weights=y)[0]**2;
    jnp.polyval(y[0], 2.)**2; jnp.polyfit(jnp.arange(3.), y[:, 0], 1)**2;
    jnp.linalg.solve(f33+y[:, :3], f3); jnp.logaddexp.reduce(y)
"""
