"""minijax: a small, complete JAX. `import minijax as jax` runs what a JAX tutorial runs."""

from minijax import core as core
from minijax import dtypes as dtypes
from minijax import errors as errors
from minijax import lax as lax
from minijax import nn as nn
from minijax import numpy as numpy
from minijax import random as random
from minijax import scipy as scipy
from minijax import tree as tree
from minijax import tree_util as tree_util
from minijax.batching import vmap as vmap
from minijax.config import config as config
from minijax.config import disable_jit as disable_jit
from minijax.config import enable_x64 as enable_x64
from minijax.core import Array as Array
from minijax.core import typeof as typeof
from minijax.custom import custom_jvp as custom_jvp
from minijax.custom import custom_vjp as custom_vjp
from minijax.devices import Device as Device
from minijax.devices import block_until_ready as block_until_ready
from minijax.devices import default_backend as default_backend
from minijax.devices import device_count as device_count
from minijax.devices import device_get as device_get
from minijax.devices import device_put as device_put
from minijax.devices import devices as devices
from minijax.devices import local_device_count as local_device_count
from minijax.devices import local_devices as local_devices
from minijax.jacobian import hessian as hessian
from minijax.jacobian import jacfwd as jacfwd
from minijax.jacobian import jacobian as jacobian
from minijax.jacobian import jacrev as jacrev
from minijax.jaxpr import ShapeDtypeStruct as ShapeDtypeStruct
from minijax.jaxpr import eval_shape as eval_shape
from minijax.jaxpr import make_jaxpr as make_jaxpr
from minijax.jit import clear_caches as clear_caches
from minijax.jit import jit as jit
from minijax.jvp import jvp as jvp
from minijax.linearize import linearize as linearize
from minijax.transpose import grad as grad
from minijax.transpose import linear_transpose as linear_transpose
from minijax.transpose import value_and_grad as value_and_grad
from minijax.transpose import vjp as vjp

__version__ = "0.1.0"
