"""The README keeps its promises. Its example is a doctest; .ci/run runs its two commands."""

import re
from pathlib import Path

from minijax.course.book import read_book

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_there_are_two_commands_and_each_stops_at_its_first_failure():
    commands = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    assert len(commands) == 2
    for command in commands:
        *lines, _ = command.splitlines()
        assert all(line.endswith(" &&") for line in lines)
    assert commands[0].endswith("minijax train\n") and "pytest" in commands[1]


def test_it_fits_a_screen_or_two_and_its_links_lead_somewhere():
    assert len(README.splitlines()) <= 80
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    missing = [link for link in links if not (ROOT / link).is_file()]
    assert links and not missing


def test_its_table_lists_the_chapters_of_the_book_in_order():
    listed = re.findall(r"^\| \[.*?\]\((chapters/\S+)\.ipynb\)", README, re.MULTILINE)
    assert listed == list(read_book(ROOT).chapters.values())
