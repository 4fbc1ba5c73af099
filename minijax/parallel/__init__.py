"""Devices as processes: a program runs on all of them at once, each on its part of the arrays.

    system.py     what differs between Linux, macOS and Windows
    heap.py       memory that all processes see, and who may use which part of it
    slots.py      words in it by which processes tell each other how far they are
    programs.py   a program as bytes, and back
    asking.py     what a program asks of Python: prints and callbacks
    replication.py  which results all devices share
    workers.py    processes: started, spoken to, watched, ended
    worker.py     what such a process does
    meeting.py    where the devices of one run meet: barriers and the collectives
    futex.py      to sleep until another process changes a word
    engine.py     `put`, `run`, `stop`: what is asked of whoever runs programs
    mpi.py        another engine: the devices are ranks of an MPI job, on any machines
    mpi_meeting.py  their collectives, which are MPI's
    meshes.py     devices in rows and columns, whose axes have names
    shardings.py  which part of an array is on which device
    placing.py    `device_put`
    mapped.py     the operation: one program on all devices of a mesh; its rules
    dividing.py   the parts of an array, and the array of these parts
    shard_map.py  the transformation: a function of parts becomes a function of arrays
    pmap.py       the same along one axis, which the function does not see
    constraint.py `with_sharding_constraint`
    partition.py  from a program of whole arrays to the program of one device
    following.py  what is computed from divided arrays: where, and how its results are divided
    picture.py    which device has what, as text

A worker is sent programs and arrays, never functions. A function that was written in a notebook
cannot be found by another process; a program needs nothing but the operations, and those are here.
"""
