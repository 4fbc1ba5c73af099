"""Where the ranks of an MPI job meet: the collectives are MPI's own.

Before each of them the devices tell each other what they came for, in an `Allgather` of one number.
So they know that all are there, and for the same: nobody starts a collective that another will not
join, and no error leaves a message behind that somebody waits for. A device whose program has
ended, well or not, comes to one more such meeting.

Nobody waits inside of MPI. Its own way of waiting is to look again and again, which is fastest if
every rank has a core of its own, and slow by a factor of thirty if not. So every operation is
started (`Iallreduce`), then tested, and between two tests the process sleeps (`Rank.wait`). So
Ctrl-C works, too.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax.parallel.meeting import Axes, Disagreement, Group, Meeting, disagreement

__all__ = ["MPIMeeting", "raw"]

TEXT = 1000  # bytes of what a device says that it came for


def raw(x: np.ndarray) -> np.ndarray:
    """The bytes of an array in row-major order. MPI need not know what they mean."""
    return np.asarray(x, order="C").reshape(-1).view(np.uint8)


# --- what MPI must know to combine elements ------------------------------------------------------

dtypes: dict[int, np.dtype] = {}  # by the handle of MPI's type


@functools.cache
def element(dtype: np.dtype) -> Any:
    """MPI's type for one element: so many bytes."""
    from mpi4py import MPI

    found = MPI.BYTE.Create_contiguous(dtype.itemsize).Commit()
    dtypes[found.handle] = dtype
    return found


@functools.cache
def operation(op: np.ufunc) -> Any:
    """NumPy's operation as one of MPI's. Its types, NaNs and roundings are then ours."""
    from mpi4py import MPI

    def combine(a: Any, b: Any, of: Any) -> None:
        x, y = (np.frombuffer(v, np.uint8).view(dtypes[of.handle]) for v in (a, b))
        op(x, y, out=y)

    return MPI.Op.Create(combine, commute=True)


def elements(x: np.ndarray) -> list:
    """The array, as an argument of what combines elements."""
    return [raw(x), x.size, element(x.dtype)]


# --- meetings ------------------------------------------------------------------------------------


class MPIMeeting(Meeting):
    """One run of one program. `rank` is this one; its `circle` makes communicators."""

    def __init__(self, rank: Any, devices: tuple[int, ...], index: int, axes: Axes):
        super().__init__(devices, index, axes)
        self.rank, self.all = rank, rank.circle(devices)
        self.over = False  # the others do not come any more

    def among(self, members):
        return MPIGroup(self, members)

    def deliver(self, values):
        self.results = [np.asarray(x, order="C") for x in values]

    def arrive(self, what: str) -> None:
        """Wait until everybody is here. Disagreement: somebody came for something else."""
        mine = what.encode()[:TEXT]
        tag, tags = np.array([zlib.crc32(mine)]), np.empty(len(self.devices), np.int64)
        self.rank.wait(self.all.Iallgather(tag, tags))
        if (tags == tag).all():
            return
        self.over = True
        texts = np.zeros((len(tags), TEXT), np.uint8)
        self.rank.wait(self.all.Iallgather(np.frombuffer(mine.ljust(TEXT, b"\0"), np.uint8),
                                           texts))
        other = int(np.argmax(tags != tag))
        theirs = texts[other].tobytes().rstrip(b"\0").decode(errors="replace")
        raise disagreement(self.me, what, self.devices[other], theirs)

    def close(self):
        if not self.over:
            try:
                self.arrive("")
            except Disagreement:
                pass  # it is they who are told


class MPIGroup(Group):
    """Ranks that communicate."""

    def exchange(self, what: str, x: np.ndarray, out: np.ndarray, start: Callable) -> np.ndarray:
        """`out`, filled by the operations that `start` starts on the group's communicator."""
        self.meeting.arrive(f"{what} of {x.dtype}{list(x.shape)}")
        devices = tuple(self.meeting.devices[m] for m in self.members)
        self.meeting.rank.wait(*start(self.meeting.rank.circle(devices)))
        return out

    def all_reduce(self, what, x, op):
        x, out = np.asarray(x, order="C"), np.empty(x.shape, x.dtype)
        return self.exchange(what, x, out, lambda comm: [comm.Iallreduce(
            elements(x), elements(out), operation(op))])

    def reduce_scatter(self, what, x, op):
        x, out = np.asarray(x, order="C"), np.empty(x.shape[1:], x.dtype)
        return self.exchange(what, x, out, lambda comm: [comm.Ireduce_scatter_block(
            [raw(x), *elements(out)[1:]], elements(out), operation(op))])

    def all_gather(self, what, x):
        out = np.empty((self.size, *x.shape), x.dtype)
        return self.exchange(what, x, out, lambda comm: [comm.Iallgather(raw(x), raw(out))])

    def all_to_all(self, what, x):
        out = np.empty(x.shape, x.dtype)
        return self.exchange(what, x, out, lambda comm: [comm.Ialltoall(raw(x), raw(out))])

    def permute(self, what, x, source, target):
        out = np.zeros(x.shape, x.dtype)
        return self.exchange(what, x, out, lambda comm: [
            *([] if target is None else [comm.Isend(raw(x), target)]),
            *([] if source is None else [comm.Irecv(raw(out), source)])])

    def broadcast(self, what, x, source):
        out = np.array(x, order="C")
        return self.exchange(what, x, out, lambda comm: [comm.Ibcast(raw(out), source)])
