"""Arrays on devices: which part is where, and how parts travel around a ring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.core import ArrayImpl, to_numpy, typeof
from minijax.course.show.drawing import EDGE, ROW, TOP, Drawing, wide
from minijax.course.show.text import Picture, brief, human, picture

# --- which part is where -----------------------------------------------------------------------

WIDE, TALL = 480, 200  # pixels of a whole array


def shards(x: Any) -> Picture:
    """Which part of an array is on which device.

    >>> from minijax.course import show
    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.config.update("jax_num_cpu_devices", 2)
    >>> show.shards(jax.pmap(lambda x: 2 * x)(jnp.arange(6.0).reshape(2, 3)))
    f32[2,3] on 2 devices
    device 0  [0:1, :]  12 B
    device 1  [1:2, :]  12 B
    >>> jax.config.update("jax_num_cpu_devices", -1)
    """
    if not isinstance(x, ArrayImpl):
        raise TypeError(f"show.shards takes an array, got {type(x).__name__}. Inside of a "
                        "transformed function no array is anywhere yet: look at the result.")
    kind = x.aval.str_short(short_dtypes=True)
    where = {device.id: tuple(s.indices(n)[:2] for s, n in zip(index, x.shape))
             for device, index in x.sharding.devices_indices_map(x.shape).items()}
    title = f"{kind} on {len(where)} device{'s' * (len(where) != 1)}"
    rows = [(f"device {i}", spelled(part, x.shape),
             human(x.itemsize * int(np.prod([hi - lo for lo, hi in part]))))
            for i, part in where.items()]
    return picture([(title,), *rows], drawn_shards(title, x.shape, where), [])


def spelled(part: Sequence[tuple[int, int]], shape: Sequence[int]) -> str:
    return f"[{', '.join(':' if p == (0, n) else f'{p[0]}:{p[1]}' for p, n in zip(part, shape))}]"


def drawn_shards(title: str, shape: Sequence[int], where: dict[int, Any]) -> Drawing:
    """The first axis downwards, the second to the right; later axes are in the text only."""
    d = Drawing(title)
    rows, columns = (*shape, 1, 1)[:2]
    scale_x, scale_y = WIDE / max(columns, 1), TALL / max(rows, 1)
    groups: dict[Any, list[int]] = {}
    for device, part in where.items():
        groups.setdefault((*part, (0, 1), (0, 1))[:2], []).append(device)
    least = max([ROW + 4, *(ROW * 1.2 for _ in groups)])
    scale_y = max(scale_y, least / min([hi - lo for (lo, hi), _ in groups] or [1]))
    for i, (((top, bottom), (left, right)), devices) in enumerate(groups.items()):
        parts = [spelled(where[n], shape) for n in devices]
        names = f"device{'s' * (len(devices) > 1)} {' '.join(map(str, devices))}"
        step = d.say(f"{names}: {', '.join(dict.fromkeys(parts))}")
        d.box(EDGE + left * scale_x, TOP + top * scale_y, (right - left) * scale_x,
              (bottom - top) * scale_y, ("sky", "sun", "leaf", "stone")[i % 4],
              f"{names}  {parts[0]}", step, ", ".join(parts))
    return d


# --- a ring ------------------------------------------------------------------------------------

SMALL = 1000  # pixels, at most, of values


def ring(x: Any) -> Picture:
    """A sum over devices by messages around a ring. Device i begins with the row `x[i]`.

    Each row is cut into as many parts as there are devices. First every device adds its part to
    the one that comes in and sends it on, until each has one sum of all (`*`): a reduce-scatter.
    Then the sums go around: an all-gather. The devices of `pmap` share memory, and so need no
    ring; machines with a network between them do.

    >>> from minijax.course import show
    >>> import numpy as np
    >>> show.ring(np.array([[1.0, 2.0], [10.0, 20.0]]))
    a sum of 2 arrays f32[2] around a ring: in 2 rounds each device sends 8 B
                     device 0      device 1
    at first         1.0  2.0      10.0  20.0
      part 0 from 0 to 1, part 1 from 1 to 0
    round 1: added   1.0  22.0*    11.0*  20.0
      part 1 from 0 to 1, part 0 from 1 to 0
    round 2: copied  11.0*  22.0*  11.0*  22.0*
    """
    aval = typeof(x)
    if not aval.shape or not aval.shape[0]:
        raise ValueError("show.ring takes an array with a row for each device, got one of shape "
                         f"{aval.shape}")
    n = aval.shape[0]
    parts = [np.array_split(row.reshape(-1), n) for row in np.array(to_numpy(x))]
    sent = [0] * n
    rounds = list(around(parts, sent))
    whole = aval.update(shape=aval.shape[1:]).str_short(short_dtypes=True)
    title = (f"a sum of {n} arrays {whole} around a ring: in {len(rounds) - 1} rounds each device "
             f"sends {human(max(sent))}")
    rows: list[Sequence[str]] = [(title,), ("", *(f"device {i}" for i in range(n)))]
    for label, moves, states in rounds:
        rows.append((label, *("  ".join(cells) for cells in states)))
        told = ", ".join(f"part {k} from {i} to {(i + 1) % n}" for i, k in enumerate(moves))
        rows += [(f"  {told}",)] if moves else []
    return picture(rows, drawn_ring(title, rounds, n), [])


def around(parts: list[list[np.ndarray]], sent: list[int]) -> Any:
    """The rounds: what it is called, which part each device sends *then*, and all parts before."""
    n = len(parts)
    complete = [[n == 1] * n for _ in range(n)]
    label = "at first"
    for r in range(2 * n - 1):
        adding = r < n - 1
        moves = [(i - r) % n for i in range(n)]
        states = [[brief(x[0] if x.size == 1 else x) + "*" * done for x, done in zip(row, full)]
                  for row, full in zip(parts, complete)]
        yield label, moves if r < 2 * n - 2 else [], states
        if r == 2 * n - 2:
            return
        label = f"round {r + 1}: {'added' if adding else 'copied'}"
        messages = [parts[i][k].copy() for i, k in enumerate(moves)]
        for i, k in enumerate(moves):
            to = (i + 1) % n
            parts[to][k] = parts[to][k] + messages[i] if adding else messages[i]
            complete[to][k] = not adding or r == n - 2
            sent[i] += messages[i].nbytes


def drawn_ring(title: str, rounds: Sequence[Any], n: int) -> Drawing:
    """Time goes down. Each device is a column of parts; an arrow is a message to the next one."""
    d = Drawing(title)
    texts = {c for _, _, states in rounds for row in states for c in row}
    small = n * n * max(map(wide, texts)) > SMALL  # too many for values: numbers of parts
    cell = 34.0 if small else max(34.0, *(wide(c) + 10 for c in texts))
    column, left = cell * n + 30, EDGE + wide("round 10: copied") + 10
    for i in range(n):
        d.text(left + column * i, TOP + 14, f"device {i}", "strong")
    height = ROW + 26
    for r, (label, moves, states) in enumerate(rounds):
        told = ", ".join(f"device {i} sends part {k} to device {(i + 1) % n}"
                         for i, k in enumerate(moves))
        step, y = d.say(f"{label}. Next: {told or 'nothing, all have the sum'}."), (
            TOP + ROW + 4 + height * r)
        d.text(EDGE, y + 14, label, "quiet", step)
        for i, row in enumerate(states):
            for k, text in enumerate(row):
                whole = text.endswith("*")
                d.box(left + column * i + cell * k, y, cell, ROW, "leaf" if whole else "stone",
                      f"{k}{'*' * whole}" if small else text, step, text)
        for i, k in enumerate(moves):
            x1, to = left + column * i + cell * (k + 0.5), (i + 1) % n
            x2 = left + column * to + cell * (k + 0.5)
            d.line(x1, y + ROW + 2, x2, y + height - 3,
                   "orange dashed" if to < i else "blue", step, arrow=True)
    return d
