"""Devices as processes: a program runs on all of them at once, each on its part of the arrays.

The path of a call, and the files to read first:

    pmap.py       a function of elements along one axis becomes a function of arrays
    mapped.py     the operation: one program on all devices of a mesh; its rules
    engine.py     `put`, `run`, `stop`: what is asked of whoever runs programs; processes do it here
    worker.py     what such a process does
    meeting.py    where the devices of one run meet: barriers and the collectives

What an engine rests on:

    workers.py    processes: started, spoken to, watched, ended
    programs.py   a program as bytes, and back
    asking.py     what a program asks of Python: prints and callbacks
    replication.py  which results all devices share
    heap.py       memory that all processes see, and who may use which part of it
    slots.py      words in it by which processes tell each other how far they are
    futex.py      to sleep until another process changes a word
    system.py     what differs between Linux, macOS and Windows
    times.py      when a device computes, waits and sends

Devices in a grid, and arrays that are divided:

    meshes.py     devices in rows and columns, whose axes have names
    context.py    the mesh that is meant where none is given
    shardings.py  which part of an array is on which device
    placing.py    `device_put`
    picture.py    which device has what, as text
    dividing.py   the parts of an array, and the array of these parts
    shard_map.py  the transformation: a function of parts becomes a function of arrays
    smap.py       the same along one axis of the mesh of the context

How `jit` divides work:

    following.py  what is computed from divided arrays: where, and how its results are divided
    partition.py  from a program of whole arrays to the program of one device
    cuts.py       its rules for slices, pads, updates and lookups
    explicit.py   types that say how arrays are divided, and what they leave open
    constraint.py `with_sharding_constraint`, `reshard`

Another engine:

    mpi.py        the devices are ranks of an MPI job, on any machines
    mpi_meeting.py  their collectives, which are MPI's

A worker is sent programs and arrays, never functions. A function that was written in a notebook
cannot be found by another process; a program needs nothing but the operations, and those are here.
"""
