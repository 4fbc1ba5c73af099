"""A picture of an array, as text: which device has which part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minijax.core import Tracer
from minijax.parallel.shardings import Sharding

__all__ = ["inspect_array_sharding", "visualize_array_sharding", "visualize_sharding"]

LINES = 10  # of a picture that is as high as JAX draws it
LETTERS = 2.5  # in a row are about as wide as a line is high


def visualize_sharding(shape: Sequence[int], sharding: Sharding, *, use_color: bool = False,
                       scale: float = 1.0, min_width: int = 9, max_width: int = 80,
                       color_map: Any = None) -> None:
    """Print which devices have which part of an array of this shape, of one or two dimensions.

    >>> import minijax as jax
    >>> jax.config.update("jax_num_cpu_devices", 4)
    >>> mesh = jax.make_mesh((2, 2), ("x", "y"))
    >>> jax.debug.visualize_sharding((4, 4), jax.NamedSharding(mesh, jax.P(None, "x")), scale=0.5)
    ┌───────┬───────┐
    │       │       │
    │CPU 0,1│CPU 2,3│
    │       │       │
    │       │       │
    └───────┴───────┘
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Args:
      scale: how large; `min_width` and `max_width` limit the width of a part, in letters.

    Raises:
      ValueError: an array of another number of dimensions.
    """
    if len(shape) not in (1, 2):
        raise ValueError("`visualize_sharding` only works for shapes with 1 and 2 dimensions.")
    parts: dict[tuple, list[int]] = {}  # (start and stop of each dimension): who has it
    for device, index in sharding.devices_indices_map(tuple(shape)).items():
        part = tuple(s.indices(n)[:2] for s, n in zip(index, shape))
        parts.setdefault(part if len(shape) == 2 else ((0, 1), *part), []).append(device.id)
    rows, columns = (sorted({part[i] for part in parts}) for i in (0, 1))
    texts = [["CPU " + ",".join(map(str, sorted(parts[r, c]))) for c in columns] for r in rows]
    height = 1 if len(shape) == 1 else int(int(LINES * scale) / len(rows))
    across = int(int(LINES * scale) * (shape[1] if len(shape) == 2 else 1) / shape[0])
    width = min(max(int(across * LETTERS / len(columns)), min_width), max_width) - 2
    room = (max_width - 1) // len(columns) - 1
    widths = [max(min(width, room), *(len(t) for t in column)) for column in zip(*texts)]
    print(boxes(texts, widths, height))


def boxes(texts: Sequence[Sequence[str]], widths: Sequence[int], height: int) -> str:
    """A table with a text in the middle of each field."""
    def line(left: str, middle: str, right: str, fields: Sequence[str]) -> str:
        return left + middle.join(fields) + right

    above, below = max((height - 2) // 2, 0), max(sum(divmod(height - 2, 2)), 0)
    empty = line("│", "│", "│", [" " * w for w in widths])
    rows = ["\n".join([*[empty] * above, line("│", "│", "│", [
        centred(t, w) for t, w in zip(row, widths)]), *[empty] * below]) for row in texts]
    bars = ["─" * w for w in widths]
    return "\n".join([line("┌", "┬", "┐", bars),
                      ("\n" + line("├", "┼", "┤", bars) + "\n").join(rows),
                      line("└", "┴", "┘", bars)])


def centred(text: str, width: int) -> str:
    """The text with spaces around it; of an odd number of spaces, one more is on the right."""
    left = (width - len(text)) // 2
    return " " * left + text + " " * (width - len(text) - left)


def inspect_array_sharding(value: Any, *, callback: Callable[[Sharding], None]) -> None:
    """Call `callback` with the sharding of an array.

    Raises:
      NotImplementedError: a traced value, which is nowhere yet.
    """
    if isinstance(value, Tracer):
        raise NotImplementedError("the sharding of a traced value is not known: look at the result "
                                  "of the jitted function, outside of it.")
    callback(value.sharding)


def visualize_array_sharding(arr: Any, **options: Any) -> None:
    """Print which devices have which part of an array: see `visualize_sharding`."""
    inspect_array_sharding(arr, callback=lambda s: visualize_sharding(arr.shape, s, **options))
