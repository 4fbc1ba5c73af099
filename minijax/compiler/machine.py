"""The machine that kernels are compiled for: the one this process runs on, as LLVM sees it."""

import functools
import platform
import sys
from typing import Any

import numpy as np


@functools.cache
def target_machine() -> Any:
    """What turns LLVM's instructions into those of this processor."""
    from llvmlite import binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=features(),
        opt=3,
        # What is made at run time may lie anywhere: let addresses have 64 bits.
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )


@functools.cache
def linker() -> Any:
    """What gives object code its addresses in this process."""
    from llvmlite import binding as llvm

    return llvm.create_lljit_compiler(target_machine())


@functools.cache
def description() -> tuple[str, ...]:
    """All that object code depends on, besides what it was compiled from."""
    import llvmlite
    from llvmlite import binding as llvm

    return (
        llvmlite.__version__,
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        features(),
        sys.implementation.name,
        str(object.__basicsize__),  # where a NumPy array has the address of its data,
        np.__version__.split(".")[0],  # as long as its layout is what it is
    )


def features() -> str:
    """The instruction sets of the processor: `+avx2,-avx512f,...`."""
    from llvmlite import binding as llvm

    try:
        return llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM cannot ask processors of this kind
        return ""


@functools.cache
def vector_bytes() -> int:
    """The bytes of the widest vector registers.

    >>> vector_bytes() in (16, 32, 64)
    True
    """
    has = set(features().split(","))
    return 64 if "+avx512f" in has else 32 if {"+avx2", "+fma"} <= has else 16


@functools.cache
def vector_registers() -> int:
    """How many vector registers there are."""
    return 32 if vector_bytes() == 64 or platform.machine().lower() in ("arm64", "aarch64") else 16
