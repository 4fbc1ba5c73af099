"""Cases of convolutions."""

import numpy as np

from tests.operations import arr, case


def conv(lhs, rhs, strides, padding="SAME", label="", rtol=1e-12, order=2, **options):
    return case("conv_general_dilated",
                lambda lax, x, k: lax.conv_general_dilated(x, k, strides, padding, **options),
                lhs, rhs, label=label, rtol=rtol, order=order)


CASES = [
    conv(arr(2, 3, 6, 5), arr(4, 3, 3, 2), (1, 1)),
    conv(arr(2, 3, 6, 5), arr(4, 3, 3, 2), (2, 1), "VALID", "strides"),
    conv(arr(2, 3, 6, 5), arr(4, 3, 2, 3), (2, 3), "SAME_LOWER", "same-lower"),
    conv(arr(2, 3, 7), arr(4, 3, 3), (2,), label="1d"),
    conv(arr(2, 2, 4, 5, 3), arr(3, 2, 2, 3, 1), (1, 1, 2), label="3d"),
    conv(arr(2, 3), arr(4, 3), (), (), label="0d"),
    conv(arr(2, 3, 7), arr(4, 3, 3), (1,), "VALID", "rhs-dilation", rhs_dilation=(2,)),
    conv(arr(2, 3, 7), arr(4, 3, 3), (3,), "VALID", "rhs-dilation-strides", rhs_dilation=(2,)),
    conv(arr(2, 3, 5, 4), arr(4, 3, 3, 2), (1, 2), [(1, 2), (-1, 3)], "lhs-dilation",
         lhs_dilation=(2, 1)),
    conv(arr(2, 3, 5), arr(4, 3, 2), (1,), [(-1, -2)], "negative-padding"),
    conv(arr(2, 6, 5), arr(4, 3, 2), (2,), label="feature-groups", feature_group_count=2),
    conv(arr(2, 3, 5, 4), arr(6, 1, 3, 2), (1, 1), label="depthwise", feature_group_count=3),
    conv(arr(6, 3, 5), arr(4, 3, 2), (2,), label="batch-groups", batch_group_count=2),
    conv(arr(2, 5, 4, 3), arr(3, 2, 3, 4), (1, 2), label="nhwc",
         dimension_numbers=("NHWC", "HWIO", "NHWC")),
    conv(arr(2, 5, 4, 3), arr(3, 2, 4, 3), (1, 2), "VALID", "odd-order",
         dimension_numbers=("NWHC", "WHOI", "CHWN")),
    conv(arr(1, 1, 2, 2), arr(1, 1, 3, 3), (1, 1), "VALID", "window-too-large"),
    conv(arr(0, 3, 5), arr(4, 3, 2), (1,), label="no-batch"),
    conv(arr(2, 0, 5), arr(4, 0, 2), (1,), label="no-features"),
    conv(arr(2, 3, 5), arr(0, 3, 2), (1,), label="no-output-features"),
    conv(arr(2, 3, 5, dtype="complex128"), arr(4, 3, 2, dtype="complex128"), (1,),
         label="complex"),
    conv(arr(2, 3, 9, dtype="int8", low=-99, high=99), arr(4, 3, 2, dtype="int8", low=-9, high=9),
         (1,), label="int8-wraps"),
    conv(arr(2, 3, 9, dtype="int8", low=-99, high=99), arr(4, 3, 2, dtype="int8", low=-9, high=9),
         (1,), label="int8-to-int32", preferred_element_type=np.int32),
    conv(arr(2, 40, 9, dtype="bfloat16"), arr(4, 40, 3, dtype="bfloat16"), (1,), label="bfloat16",
         rtol=1e-2),
    conv(arr(2, 3, 9, dtype="float32"), arr(4, 3, 2, dtype="float32"), (1,), label="float32",
         rtol=1e-5, precision="highest"),
    case("conv_general_dilated", lambda lax, x, k: lax.conv(x, k, (1,), "VALID"), arr(2, 3, 5),
         arr(4, 3, 2), label="conv", rtol=1e-12),
    case("conv_general_dilated", lambda lax, x, k: lax.conv_with_general_padding(
        x, k, (1,), ((1, 0),), (2,), (1,)), arr(2, 3, 5), arr(4, 3, 2), label="general-padding",
        rtol=1e-12),
    *[case("conv_general_dilated", lambda lax, x, k, p=padding, o=options: lax.conv_transpose(
        x, k, (2, 3), p, **o), arr(2, 3, 4, 3), arr(3, 2, 3, 3), label=f"transpose-{label}",
        rtol=1e-12) for label, padding, options in (
            ("same", "SAME", {}), ("valid", "VALID", {"rhs_dilation": (1, 2)}),
            ("pairs", ((1, 2), (0, 1)), {}),
            ("consistent", ((1, 0), (1, 1)), {"use_consistent_padding": True}))],
]
