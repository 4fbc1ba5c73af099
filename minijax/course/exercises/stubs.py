"""What a learner begins with: a cell of a notebook, or a file."""

from __future__ import annotations

import re
import textwrap

from minijax.course.exercises.source import Exercise


def stub_cell(e: Exercise) -> str:
    return f'# exercise {e.number}\n{e.stub}\ncheck("{e.number}")'


def stub_file(e: Exercise) -> str:
    """One exercise as a file, which `minijax check` checks and Python can run."""
    comment = "\n".join(f"# {line}".rstrip() for line in filled(e.statement).splitlines())
    given = f"{e.given.strip()}\n\n\n" if e.given.strip() else ""
    return (f"# exercise {e.number}: {e.title}\n#\n{comment}\n#\n"
            f"# Check it with:  minijax check {e.number}\n\n{given}{e.stub}")


def filled(text: str) -> str:
    """Prose in lines that fit behind a `#`; fences, lists and tables as they are."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    for i, part in enumerate(parts):
        if not part.startswith("```"):
            parts[i] = "\n\n".join(p if re.search(r"^\s*([-|*]|\d+\.) ", p, re.MULTILINE)
                                    else textwrap.fill(p, 96) for p in part.split("\n\n"))
    return "".join(parts)
