"""For nbgrader, in the place of its `Execute`: the judge of the course gives the points.

nbgrader would run a submission in one kernel, with the cells that grade it: what runs there can
change what grades. Here no cell is run. A right answer leaves a check as it is; any other puts the
verdict below it, as an error, which is what nbgrader takes for no points.
"""

from __future__ import annotations

from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_output
from traitlets import Bool

from minijax.course.exercises.judge import RIGHT, UNCHECKED
from minijax.course.exercises.source import find
from minijax.course.teaching.submissions import answers, best, number_of_id


class Judge(Preprocessor):
    """Judges the answers of a submission, each in a process of its own.

    RuntimeError if one cannot be checked on this machine: nbgrader then gives no grade at all.
    """

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        given = list(answers(nb))
        for cell in nb.cells:
            number, checks = number_of_id(cell)
            if number is None or not checks:
                continue
            e = find(number)
            verdict = best(e, [text for n, text in given if n == number])
            if verdict.outcome == UNCHECKED:
                raise RuntimeError(f"{verdict}. Autograde it again when that is mended.")
            kind, told = ("stream", {"text": f"{verdict}\n"}) if verdict.outcome == RIGHT else (
                "error", {"ename": "AssertionError", "evalue": str(verdict),
                          "traceback": str(verdict).splitlines()})
            cell.outputs = [new_output(kind, **told)]
        return nb, resources
