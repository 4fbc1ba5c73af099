"""Runs code that nobody has read yet, in a process of its own, and gets data back.

`child.py` is the process, `data.py` how values become data, `process.py` who starts it and ends it.
"""
