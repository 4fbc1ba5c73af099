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
    engine.py     `put`, `run`, `get`: what pmap asks of whoever runs its programs
    mpi.py        another engine: the devices are ranks of an MPI job, on any machines
    mpi_meeting.py  their collectives, which are MPI's
    pmap.py       the operation, its rules, and the transformation
    shardings.py  which part of an array is on which device
    placing.py    `device_put`

A worker is sent programs and arrays, never functions. A function that was written in a notebook
cannot be found by another process; a program needs nothing but the operations, and those are here.
"""
