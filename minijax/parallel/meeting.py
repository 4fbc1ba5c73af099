"""Where the devices of one run meet.

A `Meeting` and its `Group`s are all that a program needs of its devices: six ways to communicate.
Here they are shared memory; in `mpi_meeting.py` they are MPI.

Each device has a slot in the shared memory, which it alone writes to. A collective is a *meeting*:
every device says in its slot what it comes for and where its array is, and then that it has
arrived. When all have arrived, each reads what it needs from the arrays of the others. Then it says
that it is done; when all are done, the arrays may change again.

    psum over two devices          device 0                  device 1
      arrive                       my x is at 4096           my x is at 8192
      (all there)
      sum one half                 x0[:n/2] + x1[:n/2]       x0[n/2:] + x1[n/2:]
        and hand it out            to both results           to both results
      depart
      (all done)

That sum is an all-reduce made of a reduce-scatter (each sums its part) and an all-gather (everybody
gets all parts): each element is read and written once for each device, which is the least possible.

Two devices that come for different things would wait for each other forever, or exchange nonsense.
So what a device comes for is compared, and both say so.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.compiler import compiled, compiled_into
from minijax.errors import JaxRuntimeError
from minijax.jaxpr import Jaxpr
from minijax.lax.collectives import here
from minijax.parallel import futex
from minijax.parallel.heap import Heap
from minijax.parallel.slots import ARRIVED, SOURCE, TAG, TARGET, WAITING, Slots, fence, look

__all__ = ["Disagreement", "Group", "Meeting", "SharedGroup", "SharedMeeting", "disagreement"]

MEETINGS = 1 << 32  # in one run; the number after the last one means: this run is over
PART = 1 << 17  # elements that are summed and handed out while they are in the cache


class Disagreement(JaxRuntimeError):
    """The devices come to different collectives, or some to none."""


def disagreement(me: int, what: str, device: int, theirs: str) -> Disagreement:
    """I came for `what`, and the other device did not: it is at something else, or at its end."""
    return Disagreement(
        f"the devices disagree about the order of collectives: CpuDevice(id={me}) is at {what}, "
        f"but CpuDevice(id={device}) {f'is at {theirs}' if theirs else 'has ended its program'}. "
        "All devices must come to the same collectives in the same order: do not put one into a "
        "branch of lax.cond, or a loop of lax.while_loop, that depends on data of the device.")


Axes = tuple[tuple[Any, int], ...]  # of a mesh: names and sizes


@functools.cache
def coordinates(index: int, axes: Axes) -> tuple[int, ...]:
    """Where in the mesh the device at position `index` is."""
    return tuple(int(i) for i in np.unravel_index(index, [size for _, size in axes]))


@functools.cache
def along(axes: Axes, names: tuple, index: int) -> tuple[int, ...] | None:
    """The positions of the devices that differ from the one at `index` along these axes only, the
    last name the fastest. None: there are no such axes."""
    all_names, sizes = zip(*axes)
    if not set(names) <= set(all_names):
        return None
    block = np.arange(np.prod(sizes)).reshape(sizes)[tuple(
        slice(None) if n in names else i for n, i in zip(all_names, coordinates(index, axes)))]
    kept = [n for n in all_names if n in names]
    return tuple(block.transpose([kept.index(n) for n in names]).ravel().tolist())


class Sharing:
    """Which `part` a device has of an array that is split along some axes, and with whom it shares
    it: `by_all`, or with none (it is its `own`), or with some. The `first` of those that share a
    result delivers it.
    """

    def __init__(self, index: int, axes: Axes, split: Sequence[bool]):
        where = coordinates(index, axes)
        self.by_all = not any(split)
        self.own = all(s or size == 1 for s, (_, size) in zip(split, axes))
        self.first = not any(i for i, s in zip(where, split) if not s)
        self.part = 0
        for i, s, (_, size) in zip(where, split, axes):
            self.part = self.part * size + i if s else self.part


class Meeting(ABC):
    """Runs of one program, one after the other, for the device at position `index` of `devices`.

    `results` is what the device has computed, when it has.
    """

    results: Sequence[np.ndarray]

    def __init__(self, devices: Sequence[int], index: int, axes: Axes):
        self.devices, self.index, self.axes = devices, index, axes
        self.me = devices[index]

    def run(self, jaxpr: Jaxpr, args: Sequence[np.ndarray]) -> None:
        """Compute the results. Collectives of the program communicate here."""
        here.meeting = self
        try:
            self.deliver(self.compute(jaxpr, args))
        finally:
            here.meeting = None
            self.close()

    def compute(self, jaxpr: Jaxpr, args: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return compiled(jaxpr)(*args)

    @abstractmethod
    def deliver(self, values: Sequence[np.ndarray]) -> None:
        """These are my results."""

    @abstractmethod
    def close(self) -> None:
        """My program is over: who still waits for me waits in vain, and is told."""

    @abstractmethod
    def among(self, members: Sequence[int]) -> Group:
        """The group of the devices at these positions; I am one of them."""

    def group(self, names: Sequence[Any], groups: Any) -> Group | None:
        """The devices along these axes that belong together with me, or None: no such axis."""
        members = along(self.axes, tuple(names), self.index)
        if members is not None and groups is not None:
            mine = members.index(self.index)
            members = tuple(members[i] for i in next(g for g in groups if mine in g))
        return None if members is None else self.among(members)


class SharedMeeting(Meeting):
    """Runs whose devices see one memory. In `results` the parent expects them; `sharing` says
    with whom this device shares each, because they compute the same."""

    def __init__(self, heap: Heap, devices: Sequence[int], index: int, axes: Axes,
                 sharing: Sequence[Sharing] = ()):
        super().__init__(devices, index, axes)
        self.heap, self.slots, self.sharing = heap, Slots(heap), sharing
        self.others = [d for d in devices if d != self.me]

    def begin(self, run: int, results: Sequence[np.ndarray] = ()) -> None:
        """Be ready for a run of that number, whose results are expected there."""
        self.results, self.used = results, set[int]()
        self.end = (run + 1) * MEETINGS - 1
        self.count = run * MEETINGS

    def among(self, members):
        return SharedGroup(self, members)

    def compute(self, jaxpr, args):
        """Kernels write results that are mine alone to where the parent expects them."""
        run, placed = compiled_into(jaxpr)
        places = []
        for i in placed:
            place = self.results[i]
            if self.sharing[i].own:
                self.used.add(i)
            else:
                place = self.heap.empty(place.shape, place.dtype)
            places.append(place)
        return run(*args, *places)

    def empty(self, shape: tuple, dtype: np.dtype, everybody: bool) -> np.ndarray:
        """Memory for what a collective returns: often that is a result of the program itself.

        What all devices share is for a collective of all of them.
        """
        for i, (x, sharing) in enumerate(zip(self.results, self.sharing)):
            if i not in self.used and x.shape == shape and x.dtype == dtype:
                if sharing.own or everybody and sharing.by_all:
                    self.used.add(i)
                    return x
        return self.heap.empty(shape, dtype)

    def deliver(self, values):
        """Write what was computed to where the parent wants it. A collective may have done so."""
        there = [x is out for x, out in zip(values, self.results)]
        if self.used and not all(there):
            used = [self.results[i] for i in self.used]
            values = [x if t or not any(np.may_share_memory(x, y) for y in used) else x.copy()
                      for x, t in zip(values, there)]  # before something is written there
            if any(not self.sharing[i].own and not there[i] for i in self.used):
                self.step()  # somebody may still read there
        for x, out, t, sharing in zip(values, self.results, there, self.sharing):
            if not t and sharing.first:
                out[...] = x

    def step(self) -> None:
        """Say that I am here, and wait until everybody is."""
        self.count += 1
        self.announce()
        for device in self.others:
            if self.slots.get(device, ARRIVED) < self.count:
                self.wait(device)
        fence()

    def announce(self) -> None:
        """Tell the others how far I am."""
        slots = self.slots
        fence()
        slots.set(self.me, ARRIVED, self.count)
        fence()
        if any(slots.get(d, WAITING) for d in self.others):
            futex.wake(slots.address(self.me, ARRIVED))

    def wait(self, device: int) -> None:
        """Look often at first, then sleep: a device may be busy for minutes."""
        slots = self.slots
        if look(lambda: slots.get(device, ARRIVED) >= self.count):
            return
        slots.set(self.me, WAITING, 1)
        fence()
        while (seen := slots.get(device, ARRIVED)) < self.count:
            futex.wait(slots.address(device, ARRIVED), seen % (1 << 32))
        slots.set(self.me, WAITING, 0)

    def arrive(self, what: str, source: np.ndarray, target: np.ndarray) -> None:
        """Come for `what`, with my array and one for my result. Disagreement: others do not."""
        self.slots.say(self.me, what)
        self.slots.set(self.me, SOURCE, self.heap.start(source))
        self.slots.set(self.me, TARGET, self.heap.start(target))
        self.step()
        tag = self.slots.get(self.me, TAG)
        for device in self.others:
            late = self.slots.get(device, ARRIVED) > self.count + 1
            if late or self.slots.get(device, TAG) != tag:
                over = self.slots.get(device, ARRIVED) == self.end
                theirs = "" if over else self.slots.said(device)
                raise disagreement(self.me, what, device, theirs)

    def close(self):
        self.count = self.end
        self.announce()


class Group(ABC):
    """Devices that communicate, as one of them sees them: the `index`-th of `size`.

    Its methods take an array, of the same type on all devices, and return one. `what` says which
    operation asks.
    """

    def __init__(self, meeting: Any, members: Sequence[int]):
        self.meeting, self.members = meeting, members
        self.size, self.index = len(members), members.index(meeting.index)

    @abstractmethod
    def all_reduce(self, what: str, x: np.ndarray, op: np.ufunc) -> np.ndarray:
        """All arrays combined by `op`, for everybody."""

    @abstractmethod
    def reduce_scatter(self, what: str, x: np.ndarray, op: np.ufunc) -> np.ndarray:
        """Of x (size, ...), my row of all arrays combined."""

    @abstractmethod
    def all_gather(self, what: str, x: np.ndarray) -> np.ndarray:
        """The arrays of all, (size, ...)."""

    @abstractmethod
    def all_to_all(self, what: str, x: np.ndarray) -> np.ndarray:
        """Of x (size, ...), the row with my index of each of the others, (size, ...)."""

    @abstractmethod
    def permute(self, what: str, x: np.ndarray, source: int | None, target: int | None
                ) -> np.ndarray:
        """Send to the member at index `target`, get from `source`: zeros, if that is None."""

    @abstractmethod
    def broadcast(self, what: str, x: np.ndarray, source: int) -> np.ndarray:
        """The array of the member at index `source`, for everybody."""


class SharedGroup(Group):
    """Members that read each other's arrays."""

    def exchange(self, what: str, x: np.ndarray, read: Callable, out: Any = None) -> Any:
        """What `read` makes of the members' arrays, and of those for their results."""
        meeting, heap = self.meeting, self.meeting.heap
        x = heap.shared(np.asarray(x, order="C"))
        shape, dtype = x.shape, x.dtype
        meeting.arrive(f"{what} of {dtype}{list(shape)}", x, x if out is None else out)
        slots, devices = meeting.slots, [meeting.devices[m] for m in self.members]
        xs = [heap.at(slots.get(d, SOURCE), shape, dtype) for d in devices]
        if out is None:
            result = read(xs)
        else:  # of all members, or one that they share
            places = dict.fromkeys(slots.get(d, TARGET) for d in devices)
            result = read(xs, [heap.at(place, out.shape, dtype) for place in places])
        meeting.step()
        return result

    def empty(self, shape: tuple, dtype: np.dtype) -> np.ndarray:
        return self.meeting.empty(shape, dtype, self.size == len(self.meeting.devices))

    def all_reduce(self, what, x, op):
        n, total, out = self.size, x.size, self.empty(x.shape, x.dtype)

        def read(xs: list, outs: list) -> np.ndarray:
            xs, (first, *others) = [x.reshape(-1) for x in xs], [o.reshape(-1) for o in outs]
            start, stop = self.index * total // n, (self.index + 1) * total // n
            for lo in range(start, stop, PART):
                part = slice(lo, min(lo + PART, stop))
                combined(op, [x[part] for x in xs], first[part])
                for o in others:
                    o[part] = first[part]
            return out

        return self.exchange(what, x, read, out)

    def reduce_scatter(self, what, x, op):
        def read(xs: list) -> np.ndarray:
            rows = [x[self.index] for x in xs]
            return combined(op, rows, np.empty(x.shape[1:], x.dtype))

        return self.exchange(what, x, read)

    def all_gather(self, what, x):
        out = self.empty((self.size, *x.shape), x.dtype)

        def read(xs: list, outs: list) -> np.ndarray:
            if len(outs) == 1:  # everybody puts in a row
                out[self.index] = xs[self.index]
            else:
                np.stack(xs, out=out)
            return out

        return self.exchange(what, x, read, out)

    def all_to_all(self, what, x):
        return self.exchange(what, x, lambda xs: np.stack([x[self.index] for x in xs]))

    def permute(self, what, x, source, target):
        return self.exchange(what, x, lambda xs: np.zeros(x.shape, x.dtype) if source is None
                             else np.array(xs[source]))

    def broadcast(self, what, x, source):
        return self.permute(what, x, source, None)


def combined(op: np.ufunc, xs: Sequence[np.ndarray], out: np.ndarray) -> np.ndarray:
    """op(op(x0, x1), x2) and so on, always in this order, so all devices get the same digits."""
    if len(xs) == 1:
        out[...] = xs[0]
        return out
    op(xs[0], xs[1], out=out)
    for x in xs[2:]:
        op(out, x, out=out)
    return out
