"""What threads that share a job need: operations on memory that others write to, and calls.

This module imports Numba, like `intrinsics.py`. All of it is about int64.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minijax.compiler.machine import target_machine

WORD = ir.IntType(64)
ORDER = "seq_cst"  # all threads agree on the order of these
PAUSES: dict[str, tuple[str, list[ir.Value]]] = {  # LLVM's instruction, by processor
    "x86": ("llvm.x86.sse2.pause", []),
    "aarch64": ("llvm.aarch64.hint", [ir.IntType(32)(1)]),
    "arm64": ("llvm.aarch64.hint", [ir.IntType(32)(1)]),
}


@intrinsic
def words(typing: Any, address: Any) -> Any:
    """The memory at an address, as numbers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], WORD.as_pointer())

    return types.CPointer(types.int64)(address), generate


@intrinsic
def atomic_load(typing: Any, x: Any, i: Any) -> Any:
    """x[i], as it is now."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(builder.gep(args[0], [args[1]]), ORDER, 8)

    return types.int64(x, i), generate


@intrinsic
def atomic_store(typing: Any, x: Any, i: Any, value: Any) -> Any:
    """x[i] = value."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.cast(builder, args[2], value, types.int64)
        builder.store_atomic(number, builder.gep(args[0], [args[1]]), ORDER, 8)
        return context.get_dummy_value()

    return types.void(x, i, value), generate


@intrinsic
def atomic_add(typing: Any, x: Any, i: Any, n: Any) -> Any:
    """x[i] += n. What x[i] was before."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.cast(builder, args[2], n, types.int64)
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), number, ORDER)

    return types.int64(x, i, n), generate


@intrinsic
def atomic_replace(typing: Any, x: Any, i: Any, old: Any, new: Any) -> Any:
    """x[i] = new if x[i] is old. Was it?"""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        before, after = (context.cast(builder, a, kind, types.int64)
                         for a, kind in zip(args[2:], (old, new)))
        pair = builder.cmpxchg(builder.gep(args[0], [args[1]]), before, after, ORDER, ORDER)
        return builder.extract_value(pair, 1)

    return types.boolean(x, i, old, new), generate


@intrinsic
def pause(typing: Any) -> Any:
    """Let the processor rest for a moment in a loop that waits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        processor = target_machine().triple.split("-")[0].split("_")[0]
        if processor in PAUSES:
            name, operands = PAUSES[processor]
            kind = ir.FunctionType(ir.VoidType(), [x.type for x in operands])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), operands)
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def call(typing: Any, function: Any, lo: Any, hi: Any, sizes: Any, operands: Any) -> Any:
    """Call the kernel whose entry for `operands` in memory is at the address `function`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [WORD] * 4)
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
        return context.get_dummy_value()

    int64 = types.int64
    return types.void(int64, int64, int64, int64, int64), generate
