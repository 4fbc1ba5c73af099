"""For those who teach: the course as assignments, and what a class has handed in.

`release.py` writes assignments, `submissions.py` reads what comes back, `grading.py` is for
nbgrader, `statistics.py` counts. INSTRUCTORS.md says how they are used.
"""
