"""The machine that kernels are compiled for, as LLVM sees it: the one this process runs on."""

import functools
import os
import sys

import llvmlite
from llvmlite import binding as llvm

__all__ = ["description", "linker", "target_machine"]


@functools.cache
def target_machine() -> llvm.TargetMachine:
    """What turns LLVM's instructions into those of this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=_features(),
        opt=3,
        # The parts of a program made at run time may lie anywhere: let addresses have 64 bits.
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )


@functools.cache
def linker() -> llvm.LLJIT:
    """What gives object code its addresses in this process."""
    return llvm.create_lljit_compiler(target_machine())


def description() -> tuple[str, ...]:
    """All that object code depends on, besides what it was compiled from."""
    return (
        llvmlite.__version__,
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        _features(),
        sys.implementation.name,
        str(object.__basicsize__),  # where the data pointer of a NumPy array is
    )


def _features() -> str:
    """The instruction sets: `+avx2,-avx512f,...`."""
    return llvm.get_host_cpu_features().flatten()
