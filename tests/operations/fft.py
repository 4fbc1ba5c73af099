"""Cases of Fourier transforms."""

from tests.operations import arr, case

REAL, COMPLEX = {"dtype": "float64"}, {"dtype": "complex128"}


def transform(kind, lengths, *shape, label="", **options):
    return case("fft", lambda lax, x: lax.fft(x, kind, lengths), arr(*shape, **options),
                label=f"{kind}-{label or len(lengths)}")


CASES = [
    *[c for kind in ("FFT", "IFFT") for c in [
        transform(kind, (4,), 4, **COMPLEX), transform(kind, (3, 4), 2, 3, 4, **COMPLEX),
        transform(kind, (3,), 3, label="real", **REAL),
        transform(kind, (4,), 0, 4, label="size0", **COMPLEX),
        transform(kind, (2,), 2, label="int", dtype="int32"),
    ]],
    *[transform("RFFT", (n,), n, label=f"n{n}", **REAL) for n in (1, 2, 5, 6)],
    transform("RFFT", (3, 4), 2, 3, 4, **REAL),
    transform("RFFT", (2, 3), 2, 3, label="odd", **REAL),
    *[transform("IRFFT", (n,), n // 2 + 1, label=f"n{n}", **COMPLEX) for n in (1, 2, 5, 6)],
    transform("IRFFT", (3, 4), 2, 3, 3, **COMPLEX),
    transform("IRFFT", (2, 5), 2, 3, label="odd", **COMPLEX),
    case("fft", lambda lax, x: lax.fft(x, lax.FftType.RFFT, (4,)), arr(4, dtype="float32"),
         label="float32"),
]
