"""Matrix products: tiles shared among our threads, each computed by BLAS on one thread.

Where this processor has vectors as wide as BLAS uses, the product is our own: see `gemm.py`.

BLAS has threads of its own. They wait for each other, so a product waits for the slowest of them:
on a busy machine that can be fifty times the time of the product. Our threads never wait for one
that has not begun (see `threads.py`). So BLAS is told to use one thread while our products run.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import math
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minijax.compiler.chunks import Call, crew
from minijax.compiler.gemm import kernels, product
from minijax.compiler.machine import vector_bytes
from minijax.compiler.threads import share
from minijax.config import flags

GRAIN = 40_000  # ns: the least work of a tile
TILES_PER_THREAD = 2  # BLAS is the slower the smaller the tile: 4 cost a tenth more
NARROWEST = 64  # rows or columns of a tile; BLAS copies all of the other operand for each tile
CACHED = 1 << 19  # bytes of a tile that is still in the cache when its epilogue runs
RATES = {"f": 64.0, "d": 32.0, "F": 16.0, "D": 8.0}  # multiply-adds in a ns, by one thread
WORTH = 1 << 17  # multiply-adds: for fewer, NumPy's BLAS is as fast as our product
WORTH_EACH = 1 << 12  # in each product of a batch
FEW_ROWS, FEW_COLUMNS = 4, 10
CORES = {  # of x86, by the bytes of the vectors that OpenBLAS's kernels for them are made of
    16: "generic prescott core2 penryn dunnington nehalem atom nano opteron opteron_sse3 barcelona "
        "bobcat sandybridge bulldozer piledriver steamroller".split(),
    32: "haswell zen excavator".split(),
    64: "skylakex cooperlake sapphirerapids".split(),
}
SERIAL = 1 << 18  # multiply-adds in products of real matrices: BLAS itself uses one thread here
SERIAL_ELSE = 4_000  # in products with vectors, or of complex numbers


def matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray, then: Call | None = None) -> None:
    """Write the matrix product of `a` (..., m, k) and `b` (..., k, n) to `out` (..., m, n).

    Leading axes broadcast as in `numpy.matmul`; `a`, `b` and `out` have one dtype. The kernel
    `then` is called for parts of the rows of `out.reshape(-1, n)`, each row once, when their values
    are there and still in the cache; possibly in several threads at once.

    >>> a, b, out = np.ones((3, 4)), np.ones((4, 2)), np.empty((3, 2))
    >>> matmul(a, b, out)
    >>> out
    array([[4., 4.],
           [4., 4.],
           [4., 4.]])
    """
    work = out.size * a.shape[-1]
    if _by_ours(out.shape, a.shape[-1], out.dtype) and out.strides[-1] == out.itemsize:
        product(a, b, out, then)
        return
    real_matrices = a.shape[-2] > 1 and b.shape[-1] > 1 and out.dtype.kind != "c"
    if work <= (SERIAL if real_matrices else SERIAL_ELSE):
        np.matmul(a, b, out=out)
        if then:
            then.over(math.prod(out.shape[:-1]))
        return
    axis, step = _tiling(out, work, then is not None)
    size = out.shape[axis]
    rows = math.prod(out.shape[1:-1])  # of `out.reshape(-1, n)`, in one index along axis 0

    def tile(i: int) -> None:
        lo, hi = i * step, min(size, (i + 1) * step)
        np.matmul(_cut(a, axis - out.ndim, lo, hi, whole=-1),
                  _cut(b, axis - out.ndim, lo, hi, whole=-2),
                  out=_cut(out, axis - out.ndim, lo, hi))
        if then:
            then.kernel(lo * rows * then.times, hi * rows * then.times, then.sizes, *then.operands)

    with _one_thread or contextlib.nullcontext():
        share(tile, -(-size // step))


def load(shape: tuple[int, ...], k: int, dtype: np.dtype) -> None:
    """Compile, or find, the kernels of a product with sums of `k` and a result of that shape."""
    if _by_ours(shape, k, dtype):
        kernels(dtype.name)
        crew()


def _by_ours(shape: tuple[int, ...], k: int, dtype: np.dtype) -> bool:
    """Is it our own product that makes such a result?

    It pays for matrices that are worth it, rather than for something like vectors. In those, memory
    is what counts.
    """
    m, n = shape[-2:]
    return (m * k * n >= WORTH_EACH and math.prod(shape) * k >= WORTH and dtype.char in "fd"
            and m >= FEW_ROWS and min(k, n) >= FEW_COLUMNS and _ours())


def _tiling(out: np.ndarray, work: int, by_rows: bool) -> tuple[int, int]:
    """The axis of `out` to cut along, and the width of a tile. `work`: multiply-adds in all."""
    *batch, m, n = out.shape
    if not _one_thread:
        return 0, out.shape[0]
    ns = work / RATES.get(out.dtype.char, 1.0)
    if min(m, n, work // out.size) < 16:  # little to reuse: memory is what counts
        ns *= 8
    tiles = max(1, min(int(ns / GRAIN), TILES_PER_THREAD * flags.minijax_num_threads))
    axis = 0
    if not by_rows:
        axis = int(np.argmax(batch)) if batch and max(batch) >= tiles else (
            out.ndim - 2 if m >= n else out.ndim - 1)
    step = -(-out.shape[axis] // tiles)
    if by_rows:
        step = min(step, max(1, CACHED // out[0].nbytes))
    if axis >= out.ndim - 2:
        step = max(step, NARROWEST)
    return axis, step


def _cut(x: np.ndarray, axis: int, lo: int, hi: int, whole: int = 0) -> np.ndarray:
    """x[lo:hi] along `axis`, counted from the last; all of x if that is `whole` or broadcast."""
    if axis == whole or x.ndim < -axis or x.shape[axis] == 1:
        return x
    index: tuple[Any, ...] = (..., slice(lo, hi), *[slice(None)] * (-axis - 1))
    return x[index]


class OneThread:
    """A context in which BLAS uses one thread: from the first thread that enters to the last."""

    def __init__(self, read: Callable[[], int], write: Callable[[int], object]):
        self.read, self.write = read, write
        self.lock, self.inside, self.before = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self.lock:
            if not self.inside:
                self.before = self.read()
                self.write(1)
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.write(self.before)

    def forked(self) -> None:
        """In a forked child: the threads that were inside stayed behind."""
        if self.inside:
            self.write(self.before)
        self.lock, self.inside = threading.Lock(), 0


def _find_openblas() -> Callable[[str], Callable] | None:
    """A look-up of the functions of NumPy's OpenBLAS by name; None: NumPy has another BLAS."""
    core = Path(sys.modules["numpy._core._multiarray_umath"].__file__ or "")
    beside = core.parents[2].glob("numpy.libs/*openblas*")  # needed on Windows
    for path, prefix, suffix in itertools.product(
            [core, *beside], ("scipy_", ""), ("64_", "_64", "")):
        with contextlib.suppress(OSError):
            library = ctypes.CDLL(str(path))
            if hasattr(library, f"{prefix}openblas_get_parallel{suffix}"):
                return lambda name: getattr(library, f"{prefix}openblas_{name}{suffix}")
    return None


def _blas_context() -> contextlib.AbstractContextManager | None:
    """The context in which to call BLAS from several threads; None: leave the threads to BLAS."""
    openblas = _find_openblas()
    if not openblas or (layer := openblas("get_parallel")()) == 2:
        return None  # 2 is OpenMP, where each caller has threads of its own
    if layer == 0:  # it has no threads
        return contextlib.nullcontext()
    context = OneThread(openblas("get_num_threads"), openblas("set_num_threads"))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=context.forked)
    return context


@functools.cache
def _ours() -> bool:
    """Is our own product as fast as NumPy's BLAS, or faster? Then it needs no care for its threads.

    So it is where it uses vectors as wide, or where NumPy has no BLAS. OpenBLAS chooses its kernels
    by processors that it knows: for a new one, those of an old one.
    """
    openblas = _find_openblas()
    if not openblas:
        built_with = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return not built_with.get("found", False)
    name: Any = openblas("get_corename")
    name.restype = ctypes.c_char_p
    return vector_bytes() >= _vectors_of(name().decode())


def _vectors_of(core: str) -> float:
    """The bytes of the vectors in OpenBLAS's kernels for this core; infinity: as wide as they get.

    >>> _vectors_of("Haswell"), _vectors_of("SkylakeX"), _vectors_of("NEOVERSEV1")
    (32, 64, inf)
    """
    return next((size for size, cores in CORES.items() if core.lower() in cores), math.inf)


_one_thread = _blas_context()
