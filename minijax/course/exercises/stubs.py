"""What a learner begins with: a cell of a notebook, or a file."""

from __future__ import annotations

import re
import textwrap

from minijax.course.exercises.source import Exercise

WHOLE = re.compile(r"`[^`]+`|\([^()]{,12}\)")  # `x + 1` and (n, k) are not broken in two
KEPT = "\N{NO-BREAK SPACE}"  # stands for a space in them

def stub_cell(e: Exercise) -> str:
    return f'# exercise {e.number}\n{e.stub}\ncheck("{e.number}")'


def stub_file(e: Exercise) -> str:
    """One exercise as a file, which `minijax check` checks and Python can run."""
    comment = "\n".join(f"# {line}".rstrip() for line in filled(e.statement).splitlines())
    own = set(e.stub.splitlines()) - {""}  # what an answer imports itself stands there
    given = "\n".join(x for x in e.given.splitlines() if x not in own).strip()
    given = f"{given}\n\n\n" if given else ""
    return (f"# exercise {e.number}: {e.title}\n#\n{comment}\n#\n"
            f"# Check it with:  minijax check {e.number}\n\n{given}{e.stub}")


def filled(text: str) -> str:
    """Prose in lines that fit behind a `#`; fences, lists and tables as they are."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    for i, part in enumerate(parts):
        if not part.startswith("```"):
            parts[i] = "\n\n".join(p if re.search(r"^\s*([-|*]|\d+\.) ", p, re.MULTILINE)
                                    else wrapped(p) for p in part.split("\n\n"))
    return "".join(parts)


def wrapped(paragraph: str, width: int = 96) -> str:
    """A paragraph in as few lines as can be, all about equally long. Code and pairs stay whole."""
    kept = WHOLE.sub(lambda found: re.sub(r"\s+", KEPT, found[0]), paragraph)

    def lines(width: int) -> list[str]:
        return textwrap.wrap(kept, width, break_long_words=False, break_on_hyphens=False)

    fewest = len(lines(width))
    narrow = next(w for w in range(1, width + 1) if len(lines(w)) <= fewest)
    return "\n".join(lines(narrow)).replace(KEPT, " ")
