"""Cases of matrix products."""

import numpy as np

from tests.operations import arr, case

C = "complex128"


def product(*args, contract=((), ()), batch=((), ()), **options):
    """A case of dot_general; `preferred` and `precision` are passed on."""
    given = {k: options.pop(k) for k in ("preferred_element_type", "precision") if k in options}
    return case("dot_general", lambda lax, x, y: lax.dot_general(x, y, (contract, batch), **given),
                *args, **{"rtol": 1e-12} | options)


MATRIX = ((1,), (0,))

CASES = [
    product(arr(2, 3), arr(3, 4), contract=MATRIX),
    product(arr(2, 3, dtype=C), arr(3, 4, dtype=C), contract=MATRIX, label="complex"),
    product(arr(2, 3), arr(3, 4, dtype=C), contract=MATRIX, label="real-complex"),
    product(arr(3), arr(3), contract=((0,), (0,)), label="vectors"),
    product(arr(2, 3), arr(3), contract=MATRIX, label="matrix-vector"),
    product(arr(), arr(), label="numbers"),
    product(arr(), arr(2, 3), label="number-matrix"),
    product(arr(2, 3), arr(4), label="outer"),
    product(arr(2, 3), arr(2, 3), batch=((0, 1), (0, 1)), label="elementwise"),
    product(arr(5, 2, 3), arr(5, 3, 4), contract=((2,), (1,)), batch=((0,), (0,)), label="batch"),
    product(arr(2, 5, 3), arr(3, 4, 5), contract=((2,), (0,)), batch=((1,), (2,)),
            label="batch-inside"),
    product(arr(2, 3, 4, 5), arr(5, 3, 6, 4), contract=((3, 1), (0, 1)), batch=((2,), (3,)),
            label="several-axes"),
    product(arr(4, 2, 5, 3), arr(3, 5, 4, 2), contract=((1,), (3,)), batch=((3, 0), (0, 2)),
            label="several-batches"),
    product(arr(2, 3), arr(2, 3), contract=((0, 1), (0, 1)), label="all-axes"),
    product(arr(2, 3), arr(3, 2), contract=((0, 1), (1, 0)), label="all-axes-crossed"),
    product(arr(2, 0), arr(0, 3), contract=MATRIX, label="empty-sum"),
    product(arr(0, 3), arr(3, 2), contract=MATRIX, label="no-rows"),
    product(arr(0, 2, 3), arr(0, 3, 2), contract=((2,), (1,)), batch=((0,), (0,)),
            label="no-batch"),
    product(arr(2, 3), arr(3, 4), contract=MATRIX, precision="highest", label="precision"),
    product(*[arr(2, 3, dtype="int32", low=-2**30, high=2**30),
              arr(3, 4, dtype="int32", low=-9, high=9)], contract=MATRIX, label="int32-wraps"),
    product(arr(2, 3, dtype="uint8", low=0, high=255), arr(3, 4, dtype="uint8", low=0, high=255),
            contract=MATRIX, label="uint8-wraps"),
    product(arr(2, 3, dtype="int8", low=-128, high=128),
            arr(3, 4, dtype="int8", low=-128, high=128), contract=MATRIX,
            preferred_element_type=np.int32, label="int8-to-int32"),
    product(arr(2, 3, dtype="bool"), arr(3, 4, dtype="bool"), contract=MATRIX, label="bool"),
    product(arr(2, 3, dtype="bool"), arr(3, 4, dtype="bool"), contract=MATRIX,
            preferred_element_type=np.int32, label="bool-to-int32"),
    product(arr(2, 3, dtype="int32", low=-9, high=9), arr(3, 4), contract=MATRIX,
            label="int-float"),
    product(arr(2, 300, dtype="float16"), arr(300, 4, dtype="float16"), contract=MATRIX, rtol=1e-3,
            label="float16"),
    product(arr(2, 300, dtype="bfloat16"), arr(300, 4, dtype="bfloat16"), contract=MATRIX,
            rtol=1e-2, label="bfloat16"),
    product(arr(2, 300, dtype="bfloat16"), arr(300, 4, dtype="bfloat16"), contract=MATRIX,
            preferred_element_type=np.float32, rtol=1e-6, order=0, label="bfloat16-to-float32"),
    product(arr(2, 3, dtype="float32"), arr(3, 4, dtype="bfloat16"), contract=MATRIX, rtol=1e-5,
            order=0, label="float32-bfloat16"),
    product(arr(2, 3, dtype="float32"), arr(3, 4, dtype="float32"), contract=MATRIX, rtol=1e-5,
            order=0, preferred_element_type=np.float64, label="float32-to-float64"),
    case("dot_general", lambda lax, x, y: lax.dot(lax.rev(x, (0, 1)), y), arr(2, 3), arr(3, 4),
         rtol=1e-12, label="dot-reversed"),
    case("dot_general", lambda lax, x, y: lax.dot(x, y), arr(3), arr(3, 4), rtol=1e-12,
         label="dot-vector-matrix"),
    case("dot_general", lambda lax, x, y: lax.batch_matmul(x, y), arr(2, 5, 4, 3), arr(2, 5, 3, 2),
         rtol=1e-12, label="batch_matmul"),
]
