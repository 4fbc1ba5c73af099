"""The errors of `jax.errors`: each says what happened, where, and what to do."""


class JAXTypeError(TypeError):
    """Base of the errors about types and tracing."""


class JAXIndexError(IndexError):
    """Base of the errors about indexing."""


class ConcretizationTypeError(JAXTypeError):
    """A traced value was used where Python needs a concrete one."""


class TracerBoolConversionError(ConcretizationTypeError):
    """`bool(x)` of a traced value, as in `if x:` or `while x:`."""


class TracerIntegerConversionError(JAXTypeError):
    """A traced value was used as a Python index or as a `range` bound."""


class TracerArrayConversionError(JAXTypeError):
    """A traced value was handed to NumPy."""


class NonConcreteBooleanIndexError(JAXIndexError):
    """A traced mask was used as an index: the size of the result would depend on values."""


class UnexpectedTracerError(JAXTypeError):
    """A traced value was used after the function that made it had been traced."""


class KeyReuseError(JAXTypeError):
    """A random key was used twice."""


class JaxRuntimeError(RuntimeError):
    """A program could not be run to its end, for example because a callback in it raised."""


class JaxprTypeError(TypeError):
    """A program is not well formed, or its equations do not fit together."""


class InconclusiveDimensionOperation(Exception):
    """Of two sizes that are not known yet it cannot be said which is larger."""


class ShardingTypeError(Exception):
    """It does not follow from the types of operands how a result is divided among devices."""
