"""The pencil of all pictures: text, boxes and lines, each there from some step on.

A drawing is an SVG that needs nothing else. Its page is the same drawing with a slider, which
shows the steps one after another; where no script may run, all steps are seen at once.

>>> from minijax.course.show.drawing import Drawing
>>> d = Drawing("one box")
>>> step = d.say("A box comes.")
>>> d.box(8, 30, 80, 20, "sky", "sin", at=step)
>>> d.svg("a box in which sin stands")[:36]
'<svg xmlns="http://www.w3.org/2000/s'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

LETTER, ROW, EDGE = 7.25, 20, 8  # of the font, in pixels: a letter's width, a line; margins
TOP = 34  # where a drawing begins, under its title

# On light pages and on dark ones. Text stands on `page` and on the five grounds.
INKS = {"ink": ("#1b1f24", "#e6edf3"), "quiet": ("#4b535d", "#a9b3be")}
GROUNDS = {"page": ("#ffffff", "#0d1117"), "stone": ("#eaeef2", "#262c36"),
           "sky": ("#ddf4ff", "#0c2d4a"), "leaf": ("#dafbe1", "#0f3820"),
           "sun": ("#fff8c5", "#3d3200"), "rose": ("#ffebe9", "#4a1a1a")}
LINES = {"edge": ("#6e7781", "#8b949e"), "blue": ("#0969da", "#58a6ff"),
         "orange": ("#bc4c00", "#f0883e"), "green": ("#1a7f37", "#3fb950")}
COLOURS = INKS | GROUNDS | LINES


def variables(dark: bool) -> str:
    return "".join(f"--{name}:{pair[dark]};" for name, pair in COLOURS.items())


STYLE = "\n".join([
    f".mj {{ {variables(False)} }}",
    "@media (prefers-color-scheme: dark) {", f".mj {{ {variables(True)} }}", "}",
    # What the book and JupyterLab say counts more than what the system says.
    f"[data-theme=light] .mj, [data-jp-theme-light=true] .mj {{ {variables(False)} }}",
    f"[data-theme=dark] .mj, [data-jp-theme-light=false] .mj {{ {variables(True)} }}",
    ".mj text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: var(--ink) }",
    ".mj text { white-space: pre }",
    ".mj .quiet { fill: var(--quiet) } .mj .strong { font-weight: bold }",
    *(f".mj .{name} {{ fill: var(--{name}) }}" for name in GROUNDS),
    ".mj rect { stroke: var(--edge) } .mj .page { stroke: none }",
    ".mj line, .mj path { stroke: var(--edge); stroke-width: 1.5; fill: none }",
    *(f".mj .{name} {{ stroke: var(--{name}) }}" for name in LINES),
    ".mj .thick { stroke-width: 3 } .mj .dashed { stroke-dasharray: 5 3 }",
    ".mj .dotted { stroke-dasharray: 1.5 3 }",
    *(f".mj .full.{name} {{ fill: var(--{name}) }}" for name in LINES),
    ".mj .open { fill: var(--page); stroke-width: 2 }",
    ".mj .later { visibility: hidden } .mj .now { font-weight: bold; stroke-width: 3 }",
])

PAGE_STYLE = """
.mj-page figure { margin: 0; overflow: auto; max-height: 34rem; position: relative }
.mj-page input { width: 20rem; max-width: 100%; vertical-align: middle }
.mj-page li { display: none } .mj-page li.now { display: list-item }
.mj-page ol { margin: 0.3em 0; padding-left: 3em; min-height: 1.5em }
.mj-page pre { overflow-x: auto; margin: 0 }
"""

# What the slider does: hide what comes later, mark what comes now, and scroll there.
STEP = ("const p=this.closest('.mj-page'),f=p.querySelector('figure');let n;"
        "for(const e of p.querySelectorAll('[data-at]')){"
        "e.classList.toggle('later',+e.dataset.at>+this.value);"
        "if(e.classList.toggle('now',e.dataset.at===this.value)&&e.ownerSVGElement)n=n||e}"
        "if(n)f.scrollTop+=n.getBoundingClientRect().top-f.getBoundingClientRect().top"
        "-f.clientHeight/2")


def cut(text: str, width: float) -> str:
    """As much of a text as fits into so many pixels."""
    letters = max(int(width / LETTER), 1)
    return text if len(text) <= letters else text[:letters - 1] + "…"


def wide(text: str) -> float:
    return len(text) * LETTER


def element(tag: str, inside: str = "", **attributes: object) -> str:
    words = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
                    for name, value in attributes.items() if value not in ("", None))
    return f"<{tag}{words}>{inside}</{tag}>" if inside else f"<{tag}{words}/>"


class Drawing:
    """Shapes, and what is said at each step. `at` is the step with which a shape comes."""

    def __init__(self, title: str):
        self.title, self.shapes, self.said = title, [], []  # type: ignore[var-annotated]
        self.right = self.bottom = 0.0
        self.text(EDGE, 20, title, "strong", width=800)

    def say(self, caption: str) -> int:
        """A new step, and what happens in it."""
        self.said.append(caption)
        return len(self.said)

    def reach(self, right: float, bottom: float) -> None:
        self.right, self.bottom = max(self.right, right), max(self.bottom, bottom)

    def put(self, tag: str, at: int, inside: str = "", **attributes: object) -> None:
        self.shapes.append(element(tag, inside, data_at=at or None, **attributes))

    def text(self, x: float, y: float, text: str, kind: str = "", at: int = 0,
             width: float = 1000) -> None:
        """Text whose letters stand on the height y, cut where it is too wide."""
        if text:
            shown = cut(text, width)
            self.reach(x + wide(shown), y + 4)
            whole = element("title", escape(text)) if shown != text else ""
            self.put("text", at, escape(shown) + whole, x=x, y=y, class_=kind)

    def box(self, x: float, y: float, w: float, h: float, kind: str, text: str = "", at: int = 0,
            note: str = "") -> None:
        """A box with a text in it; the note is seen when one points at it."""
        self.reach(x + w, y + h)
        whole = element("title", escape(note)) if note else ""
        self.put("rect", at, whole, x=x, y=y, width=w, height=h, rx=4, class_=kind)
        self.text(x + 5, y + h / 2 + 4, text, at=at, width=w - 8)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "", at: int = 0,
             arrow: bool = False) -> None:
        self.reach(max(x1, x2), max(y1, y2))
        self.put("line", at, x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)
        if arrow:  # a head of two strokes
            length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1)
            dx, dy = (x2 - x1) / length * 6, (y2 - y1) / length * 6
            head = (f"M{x2 - dx - dy / 2:.4g} {y2 - dy + dx / 2:.4g}L{x2:.4g} {y2:.4g}"
                    f"L{x2 - dx + dy / 2:.4g} {y2 - dy - dx / 2:.4g}")
            self.put("path", at, d=head, class_=kind.split(" d")[0])  # not dashed

    def dot(self, x: float, y: float, kind: str, at: int = 0, note: str = "") -> None:
        self.reach(x + 5, y + 5)
        whole = element("title", escape(note)) if note else ""
        self.put("circle", at, whole, cx=x, cy=y, r=4, class_=kind)

    def stopped(self, lines: Sequence[str]) -> None:
        """What ended the picture, under it."""
        if lines:
            step, y = self.say(" ".join(lines)), self.bottom + 8
            parts = [part for line in lines for part in folded(line, 110)]
            widest = max(map(wide, parts))
            self.box(EDGE, y, widest + 12, ROW * len(parts) + 8, "rose", at=step)
            for i, part in enumerate(parts):
                self.text(EDGE + 6, y + ROW * i + 17, part, "strong" if not i else "", step)

    def svg(self, description: str = "") -> str:
        """The picture with all its steps. It has a title and, if given, a description."""
        width, height = round(self.right + EDGE), round(self.bottom + EDGE)
        return "\n".join([
            '<svg xmlns="http://www.w3.org/2000/svg" class="mj" role="img" xml:space="preserve" '
            f'aria-label="{escape(self.title, quote=True)}" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">',
            element("title", escape(self.title)),
            *([element("desc", escape(description))] if description else []),
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}"/>', *self.shapes, "</svg>"])

    def page(self, text: str, more: Iterable[str] = ()) -> str:
        """The picture for a static page: with a slider, with its text, and with what is given."""
        last = len(self.said)
        slider = [
            f'<label>step <input type="range" min="1" max="{last}" value="{last}" '
            f'oninput="{STEP}"></label>', '<ol aria-live="polite">',
            *(f'<li value="{i}" data-at="{i}"{" class=now" * (i == last)}>{escape(caption)}</li>'
              for i, caption in enumerate(self.said, 1)), "</ol>"] if last > 1 else []
        return "\n".join([f'<div class="mj-page"><style>{PAGE_STYLE}</style>', *slider,
                          f"<figure>{self.svg()}</figure>",
                          folded_away("the same as text", f"<pre>{escape(text)}</pre>"),
                          *more, "</div>"])


def folded_away(summary: str, inside: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{inside}</details>"


def folded(text: str, letters: int) -> list[str]:
    """A text on lines of so many letters."""
    return [line[i:i + letters] for line in text.splitlines()
            for i in range(0, max(len(line), 1), letters)]
