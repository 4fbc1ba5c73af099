"""Numba as a compiler of kernels: from a Python function to object code.

Numba's own target, the CPU, serves any Python: lists, strings, exceptions, arrays that are counted,
calls from the interpreter. A kernel has numbers, pointers and loops. So this is a target of its
own, by Numba's interface for that, which leaves out the rest: a third of the time of a compilation,
four fifths of that of the first one, and all that would tie object code to this process.

This module imports Numba; it is imported when something is compiled for the first time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from llvmlite import binding as llvm, ir
from llvmlite.binding.newpassmanagers import NewPassManager
from numba.core import codegen, cpu, fastmathpass, target_extension, types, typing
from numba.core.compiler import CompilerBase
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager
from numba.core.descriptors import TargetDescriptor
from numba.core.dispatcher import Dispatcher
from numba.core.errors import LoweringError, NumbaError, UnsupportedBytecodeError
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.typing import arraydecl, mathdecl  # noqa: F401
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.cpython import builtins, mathimpl, numbers, rangeobj, tupleobj  # noqa: F401
from numba.np import arrayobj  # noqa: F401

from minijax.compiler.machine import target_machine

__all__ = ["REFUSALS", "inline", "object_code"]

REFUSALS = (NumbaError, UnsupportedBytecodeError, NotImplementedError)  # what Numba raises
ENTRY = "kernel"  # the function that object code is called by
CHUNK = "chunk"  # the same for other native code, with its operands in memory: see `chunks.py`


class KernelTarget(target_extension.CPU):
    """The name of the target: what Numba has for the CPU is good for it."""


class Types(typing.Context):
    """Which types operations have: Python's own on numbers, and the module `math`."""

    def load_additional_registries(self):
        self.install_registry(mathdecl.registry)

    def resolve_value_type(self, val):
        # Most are declared. What else a value might be makes Numba import more of itself to see.
        return self._lookup_global(val) or super().resolve_value_type(val)


class Library(codegen.AOTCodeLibrary):
    """LLVM's instructions of one function. They become better when a kernel has all it needs."""

    def _optimize_functions(self, ll_module):
        pass

    def _optimize_final_module(self):
        pass


class Codegen(codegen.CPUCodegen):
    """Makes libraries for the machine."""

    _library_class = Library

    def __init__(self):
        self._tm = target_machine()
        self._target_data = self._tm.target_data
        self._data_layout = str(self._target_data)

    def _add_module(self, module):
        pass  # no execution engine has it

    def _check_llvm_bugs(self):
        pass  # a check of every compilation for a locale bug of an LLVM of 2016


class Context(cpu.CPUContext):
    """How operations become LLVM's instructions."""

    def init(self):
        self.is32bit = self.address_size == 32
        self._internal_codegen = Codegen()

    def load_additional_registries(self):
        self.install_registry(mathimpl.registry)

    def post_lowering(self, mod, library):
        if self.fastmath:
            fastmathpass.rewrite_module(mod, self.fastmath)

    def get_executable(self, library, fndesc, env):
        return fndesc.llvm_func_name  # nothing to call; a name that callers find it by

    def create_cfunc_wrapper(self, library, fndesc, env, call_helper):
        """The two entries: arguments as they are, without what Numba adds; operands in memory."""
        module = self.create_module(ENTRY)
        kind = self.call_conv.get_function_type(fndesc.restype, fndesc.argtypes)
        inner = ir.Function(module, kind, fndesc.llvm_func_name)
        taken = [self.get_value_type(t) for t in fndesc.argtypes]
        fixed, word = taken[:3], ir.IntType(64)
        for name, types_ in (ENTRY, taken), (CHUNK, [*fixed, word.as_pointer()]):
            entry = ir.Function(module, ir.FunctionType(ir.VoidType(), types_), name)
            builder = ir.IRBuilder(entry.append_basic_block())
            args = list(entry.args)
            if name == CHUNK:
                where = args.pop()
                args += [builder.load(builder.gep(where, [word(i)]))
                         for i in range(len(taken) - len(fixed))]
            self.call_conv.call_function(builder, inner, fndesc.restype, fndesc.argtypes, args)
            builder.ret_void()
        library.add_ir_module(module)


class Descriptor(TargetDescriptor):
    """The two contexts, which are one of each."""

    options = cpu.CPUTargetOptions

    @functools.cached_property
    def typing_context(self):
        return Types()

    @functools.cached_property
    def target_context(self):
        return Context(self.typing_context, self._target_name)


class Compiler(CompilerBase):
    """The passes that a kernel needs, of some 25 that Numba has."""

    def define_pipelines(self):
        passes = PassManager(ENTRY)
        for step in (TranslateByteCode, FixupArgs, IRProcessing, ReconstructSSA,
                     NopythonTypeInference, PreLowerStripPhis, IRLegalization, NativeLowering,
                     NoPythonBackend):
            passes.add_pass(step, step.__name__)
        passes.finalize()
        return [passes]


class Function(Dispatcher):
    """A Python function that others call in compiled code. Compiled once per types."""

    targetdescr = Descriptor(KernelTarget.__name__)

    def add_overload(self, cres):
        self.overloads[tuple(cres.signature.args)] = cres


def function(**options) -> Callable[[Callable], Any]:
    """What makes a function one for kernels. The options are those of `numba.jit`."""
    options = {"nopython": True, "_nrt": False, "no_cpython_wrapper": True,
               "no_cfunc_wrapper": True, **options}
    return lambda fun: Function(fun, targetoptions=options, pipeline_class=Compiler)


def inline(fun: Callable) -> Any:
    """`fun` as a part of the kernels that call it."""
    return function(error_model="numpy", forceinline=True)(fun)


target_extension.target_registry[KernelTarget.__name__] = KernelTarget
target_extension.dispatcher_registry[KernelTarget] = Function
target_extension.jit_registry[KernelTarget] = function


def object_code(fun: Callable, arity: int) -> bytes:
    """The object code of `fun(lo, hi, sizes, a0, ...)`, which has `arity` arrays.

    Its entry is called ENTRY. REFUSALS: it cannot be compiled.
    """
    return target_machine().emit_object(instructions(fun, arity))


@global_compiler_lock
def instructions(fun: Callable, arity: int) -> llvm.ModuleRef:
    """LLVM's instructions of the function, at their best."""
    int64 = types.int64
    signature = types.void(int64, int64, types.CPointer(int64), *[int64] * arity)
    # Each operation rounds by itself, so that a program means the same before it is compiled.
    kernel = function(error_model="numpy", no_cfunc_wrapper=False)(fun)
    with target_extension.target_override(KernelTarget.__name__):
        kernel.compile(signature)
        library = kernel.overloads[signature.args].library
        library.finalize()
    module = library._final_module
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name not in (ENTRY, CHUNK):
            value.linkage = "internal"  # so what is not needed is left out
    optimize(module)
    check(module)
    return module


def optimize(module: llvm.ModuleRef) -> None:
    """Run LLVM's passes: what `-O3` is to a C compiler."""
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(target_machine(), options)
    passes = builder.getModulePassManager()
    passes.run(module, builder)
    # llvmlite's own way to here is hidden by an empty method of another base class
    NewPassManager._dispose(passes)


def check(module: llvm.ModuleRef) -> None:
    """Refuse what only a process with Numba or the interpreter's lock could run."""
    for value in module.functions:
        if value.is_declaration and value.name.startswith(("NRT_", "numba_", "Py", "_Py")):
            raise LoweringError(f"it needs {value.name}, which kernels do not have")
