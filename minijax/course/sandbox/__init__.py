"""Runs code that nobody has read yet, in a process of its own, and gets data back.

`child.py` is the process, `guard.py` what it may not reach, `data.py` how values become data,
`process.py` who starts it and ends it.
"""
