"""minijax: a small, complete JAX. `import minijax as jax` runs what a JAX tutorial runs."""

from minijax import (
    core as core,
    custom_batching as custom_batching,
    custom_derivatives as custom_derivatives,
    debug as debug,
    distributed as distributed,
    dtypes as dtypes,
    errors as errors,
    experimental as experimental,
    lax as lax,
    nn as nn,
    numpy as numpy,
    ops as ops,
    profiler as profiler,
    random as random,
    ref as ref,
    scipy as scipy,
    sharding as sharding,
    tree as tree,
    tree_util as tree_util,
)
from minijax.ad_checkpoint import (
    checkpoint as checkpoint,
    checkpoint_policies as checkpoint_policies,
    remat as remat,
)
from minijax.batching import vmap as vmap
from minijax.compile_time import ensure_compile_time_eval as ensure_compile_time_eval
from minijax.config import (
    check_tracer_leaks as check_tracer_leaks,
    checking_leaks as checking_leaks,
    config as config,
    debug_infs as debug_infs,
    debug_nans as debug_nans,
    default_device as default_device,
    default_matmul_precision as default_matmul_precision,
    default_prng_impl as default_prng_impl,
    disable_jit as disable_jit,
    enable_checks as enable_checks,
    enable_x64 as enable_x64,
    log_compiles as log_compiles,
    numpy_dtype_promotion as numpy_dtype_promotion,
    numpy_rank_promotion as numpy_rank_promotion,
)
from minijax.core import Array as Array, typeof as typeof
from minijax.custom import (
    closure_convert as closure_convert,
    custom_gradient as custom_gradient,
    custom_jvp as custom_jvp,
    custom_vjp as custom_vjp,
)
from minijax.devices import (
    Device as Device,
    block_until_ready as block_until_ready,
    copy_to_host_async as copy_to_host_async,
    default_backend as default_backend,
    device_count as device_count,
    device_get as device_get,
    devices as devices,
    local_device_count as local_device_count,
    local_devices as local_devices,
    process_count as process_count,
    process_index as process_index,
)
from minijax.dtypes import float0 as float0
from minijax.effects.results import (
    effects_barrier as effects_barrier,
    pure_callback as pure_callback,
)
from minijax.environment import print_environment_info as print_environment_info
from minijax.jacobian import (
    hessian as hessian,
    jacfwd as jacfwd,
    jacobian as jacobian,
    jacrev as jacrev,
)
from minijax.jaxpr import eval_jaxpr as _eval_jaxpr
from minijax.jit import clear_caches as clear_caches, jit as jit
from minijax.jvp import jvp as jvp
from minijax.linearize import linearize as linearize
from minijax.make_jaxpr import (
    ShapeDtypeStruct as ShapeDtypeStruct,
    eval_shape as eval_shape,
    make_jaxpr as make_jaxpr,
)
from minijax.parallel import following as _following  # noqa: F401  # arrays are followed
from minijax.parallel.constraint import reshard as reshard
from minijax.parallel.context import set_mesh as set_mesh
from minijax.parallel.meshes import PartitionSpec as _PartitionSpec, make_mesh as make_mesh
from minijax.parallel.placing import (
    device_put as device_put,
    make_array_from_callback as make_array_from_callback,
    make_array_from_process_local_data as make_array_from_process_local_data,
    make_array_from_single_device_arrays as make_array_from_single_device_arrays,
)
from minijax.parallel.pmap import pmap as pmap
from minijax.parallel.shard_map import shard_map as shard_map
from minijax.parallel.shardings import NamedSharding as NamedSharding, Shard as Shard
from minijax.parallel.smap import smap as smap
from minijax.references import Ref as Ref, freeze as freeze, new_ref as new_ref
from minijax.scopes import named_call as named_call, named_scope as named_scope
from minijax.separate_passes import fwd_and_bwd as fwd_and_bwd
from minijax.transpose import (
    grad as grad,
    linear_transpose as linear_transpose,
    value_and_grad as value_and_grad,
    vjp as vjp,
)

P = _PartitionSpec
core.eval_jaxpr = _eval_jaxpr  # type: ignore[attr-defined]  # JAX has it there, too

__version__ = "0.1.0"
