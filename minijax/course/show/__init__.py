"""Pictures of what the reader's own function does: as text, as a drawing, step by step.

>>> from minijax.course import show
>>> import minijax as jax, minijax.numpy as jnp
>>> show.values(lambda x: jnp.sin(x) * x, 2.0)
a:f32[] = 2.0
b:f32[] = sin a    0.9092974
c:f32[] = mul b a  1.8185948
returns c

In a notebook `show.values(f, 2.0).drawn` is a drawing, with a slider for its steps; `.svg` is the
drawing alone, for a file.
A function that is not right yet is shown as far as it gets, and then what stopped it.

A new picture is a function in a module of its own, such as `trees.py`, and a line below. It notes
what happens (`watching` in `running.py` sees each operation, `as_far_as_it_gets` an error), writes
rows of text, draws the same with a `Drawing`, and gives both to `picture` in `text.py`, which makes
the three forms. A line of `PICTURES` in `tests/test_show_drawings.py` has its drawings tested.
"""

from minijax.course.show.axes import axes as axes
from minijax.course.show.derivatives import linearize as linearize, transpose as transpose
from minijax.course.show.devices import ring as ring, shards as shards
from minijax.course.show.fusion import plan as plan
from minijax.course.show.programs import graph as graph, values as values
from minijax.course.show.running import stack as stack
from minijax.course.show.text import brief as brief
from minijax.course.show.timeline import timeline as timeline
from minijax.course.show.timing import profile as profile
from minijax.course.show.trees import tree as tree
