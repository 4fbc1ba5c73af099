"""The drawings: each stands alone, says what it shows, can be read, and can be gone through."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax.course import show
from minijax.course.show.drawing import COLOURS, GROUNDS, INKS, LETTER, LINES, Drawing
from minijax.course.show.timeline import Phase, drawn
from minijax.parallel.engine import engine
from minijax.parallel.times import LOGGER, VARIABLE

from .tiers import heavy

SVG = "{http://www.w3.org/2000/svg}"


def bent(x):
    return jnp.sum(jax.vmap(jax.jit(lambda y: jnp.sin(y) * y))(x))


def deep(x):
    for _ in range(100):
        x = jnp.sin(x) * 2.0
    return jnp.sum(x)


def many(n: int) -> Any:
    return [{"a": 1.0, "b": np.zeros((3, 3))} for _ in range(n)]


def phases(n: int) -> list[Phase]:
    kinds = ("compute", "wait", "send")
    return [Phase(d, kinds[i % 3], i + d / 2, i + 1 + d / 2) for i in range(n) for d in (0, 1)]


x = np.array([0.5, 1.0, 2.0], np.float32)
PICTURES: dict[str, Callable[[], Any]] = {
    "stack": lambda: show.stack(jax.grad(bent), x),
    "values": lambda: show.values(bent, x),
    "graph": lambda: show.graph(bent, x),
    "linearize": lambda: show.linearize(bent, x),
    "transpose": lambda: show.transpose(bent, x),
    "axes": lambda: show.axes(jax.vmap(jnp.dot, (None, 1)), np.ones((2, 4)), np.ones((4, 3))),
    "tree": lambda: show.tree({"layers": [{"w": x, "b": None}, (1.0, "<b>&")]}),
    "plan": lambda: show.plan(bent, x),
    "shards": lambda: show.shards(jnp.asarray(x)),
    "ring": lambda: show.ring(np.arange(12.0).reshape(3, 4)),
    "timeline": lambda: drawn("step", phases(5), 20.0, []),
    # of 200 equations, and other large things
    "deep stack": lambda: show.stack(deep, x),
    "deep values": lambda: show.values(deep, x),
    "deep graph": lambda: show.graph(deep, x),
    "deep linearize": lambda: show.linearize(deep, x),
    "deep transpose": lambda: show.transpose(deep, x),
    "deep axes": lambda: show.axes(jax.vmap(deep), np.ones((4, 3))),
    "deep plan": lambda: show.plan(deep, x),
    "large tree": lambda: show.tree(many(70)),
    "large ring": lambda: show.ring(np.arange(64.0).reshape(8, 8)),
    "long timeline": lambda: drawn("step", phases(3000), 4000.0, []),
}
STOPPED: dict[str, Callable[[], Any]] = {
    name: functools.partial(picture, lambda x: jnp.sin(x) + (jnp.cos(x) @ jnp.ones(4)), x)
    for name, picture in [("stack", show.stack), ("values", show.values), ("graph", show.graph),
                          ("linearize", show.linearize), ("transpose", show.transpose),
                          ("plan", show.plan)]}
STOPPED["axes"] = lambda: show.axes(
    jax.vmap(lambda x: jnp.sin(x) + undefined), x)  # type: ignore[name-defined]  # noqa: F821
every = pytest.mark.parametrize("name", PICTURES)


@functools.cache
def made(name: str) -> Any:
    return PICTURES[name]()


def parsed(picture: Any) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg)


def test_no_picture_is_forgotten() -> None:
    of_show = {name for name, f in vars(show).items()
               if getattr(f, "__annotations__", {}).get("return") == "Picture"}
    assert {"tree", "timeline"} <= of_show <= PICTURES.keys()


# --- it stands alone ---------------------------------------------------------------------------


@every
def test_a_drawing_is_well_formed_and_says_what_it_shows(name: str) -> None:
    picture, root = made(name), parsed(made(name))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "text", "line", "path", "circle"}
    assert root.get("role") == "img" and root.get("aria-label") == root.findtext(SVG + "title")
    assert len(root.get("aria-label", "")) > 5 and root.findtext(SVG + "desc") == str(picture)


@every
def test_nothing_is_asked_of_another_host(name: str) -> None:
    page = made(name).html.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w|url\(|@import|<script|<link|<img|\bsrc=|\bhref=", page)
    assert " id=" not in page  # so two pictures on one page do not meet


class Balance(HTMLParser):
    """Checks that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open += [tag] if tag != "input" else []

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@every
def test_a_page_is_well_formed_and_has_the_text(name: str) -> None:
    parser = Balance()
    parser.feed(made(name).html)
    assert not parser.open
    assert "<summary>the same as text</summary><pre>" in made(name).html
    assert made(name).drawn._repr_html_() == made(name).html
    assert repr(made(name).drawn) == str(made(name)) and not hasattr(made(name), "_repr_html_")


# --- it can be read ----------------------------------------------------------------------------


def boxes(root: ElementTree.Element) -> list[tuple[float, float, float, float, str]]:
    """Where each text is, if its letters are as wide as those of common fixed fonts."""
    out = []
    for t in root.iter(SVG + "text"):
        left, low, text = float(t.get("x", 0)), float(t.get("y", 0)), t.text or ""
        out.append((left, low - 9, left + len(text) * LETTER, low + 3, text))
    return out


@every
def test_no_text_is_written_over_another_or_beyond_the_edge(name: str) -> None:
    root = parsed(made(name))
    found = sorted(boxes(root), key=lambda box: box[1])
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for i, (left, top, right, bottom, text) in enumerate(found):
        assert 0 <= left and right <= width and 0 <= top and bottom <= height, text
        for left2, top2, right2, _, text2 in found[i + 1:]:
            if top2 >= bottom:
                break
            assert right <= left2 or right2 <= left, (text, text2)


@every
def test_a_drawing_fits_a_page(name: str) -> None:
    root = parsed(made(name))
    assert float(root.get("width", 0)) <= (1150 if name != "large ring" else 2600)
    rows = len({box[1] for box in boxes(root)})
    assert float(root.get("height", 0)) <= 300 + 30 * rows


def test_a_large_program_has_all_its_equations() -> None:
    for name in ("deep values", "deep graph"):
        texts = [text for *_, text in boxes(parsed(made(name)))]
        assert sum(" = " in text for text in texts) >= 201, name


def luminance(colour: str) -> float:
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted(map(luminance, (a, b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(dark: bool) -> None:
    for ground in GROUNDS:
        for ink in INKS:
            assert contrast(COLOURS[ink][dark], COLOURS[ground][dark]) >= 4.5, (ink, ground)
        for line in LINES:
            assert contrast(COLOURS[line][dark], COLOURS["page"][dark]) >= 3.0, line


def test_no_meaning_by_colour_alone() -> None:
    """What a colour says is also said by the form of a line, or by a word."""
    root = parsed(made("plan"))
    forms = {line.get("class", "").split()[0]: line.get("class", "").split()[1:]
             for line in root.iter(SVG + "line")}
    assert len({tuple(form) for form in forms.values()}) == len(forms)
    for array in parsed(made("axes")).iter(SVG + "rect"):
        assert ("sun" in array.get("class", "")) == ("thick" in array.get("class", ""))
    parts = parsed(made("ring"))
    words = {(t.get("x"), t.get("y")): t.text for t in parts.iter(SVG + "text")}
    for box in parts.iter(SVG + "rect"):
        if box.get("class") != "page":
            at = str(float(box.get("x", 0)) + 5), str(float(box.get("y", 0)) + 14)
            assert (box.get("class") == "leaf") == str(words[at]).endswith("*")


# --- it can be gone through --------------------------------------------------------------------


@every
def test_each_step_has_its_words_and_its_shapes(name: str) -> None:
    page, root = made(name).html, parsed(made(name))
    said = re.findall(r'<li value="(\d+)" data-at="(\d+)"', page)
    drawn_at = {int(e.get("data-at", 0)) for e in root.iter()} - {0}
    if said:
        n = len(said)
        assert said == [(str(i), str(i)) for i in range(1, n + 1)]
        assert f'type="range" min="1" max="{n}" value="{n}"' in page
        assert drawn_at == set(range(1, n + 1))
        assert page.count('class="now"') + page.count("class=now") == 1
    else:
        assert drawn_at == {1}, "of one step there is nothing to go through"


def test_the_steps_of_a_transpose_go_upwards() -> None:
    def pulled(f: Callable) -> list[float]:
        root = parsed(show.transpose(f, 2.0))
        return [float(t.get("y", 0)) for t in root.iter(SVG + "text")
                if t.get("data-at") and (t.text or "").startswith("ct ")]

    heights = pulled(lambda x: jnp.sin(x) * x)
    assert heights == sorted(heights, reverse=True) and len(heights) == 5


def test_what_is_kept_goes_from_the_known_half_to_the_linear_one() -> None:
    root = parsed(show.linearize(lambda x, y: jnp.sin(x) * y, 2.0, 3.0))
    arrows = [e for e in root.iter(SVG + "line") if "dashed" in e.get("class", "")]
    rows = {float(r.get("y", 0)) + 10: i for i, r in enumerate(
        r for r in root.iter(SVG + "rect") if r.get("class") == "leaf")}
    assert [rows[float(e.get("y1", 0))] for e in arrows] == [1, 0]  # the cosine, then the sine


# --- before it is right ------------------------------------------------------------------------


@pytest.mark.parametrize("name", STOPPED)
def test_a_function_that_is_not_right_is_drawn_up_to_the_error(name: str) -> None:
    picture = STOPPED[name]()
    *before, stopped, message = str(picture).splitlines()
    first = "mul" if name == "transpose" else "sin"
    assert any(first in line for line in before), "what came before is shown"
    assert stopped.startswith("stopped in line")
    texts = [text for *_, text in boxes(parsed(picture))]
    assert any(first in text for text in texts)
    assert any(text.startswith("stopped in line") for text in texts)
    assert message[:40] in "".join(texts)
    last = re.findall("<li .*</li>", picture.html)[-1:]
    assert all("stopped in line" in said for said in last) and (last or name == "transpose")


def test_a_text_of_the_reader_is_no_markup() -> None:
    def f(x):
        return x.at["<b>&'\""]

    assert "<b>" not in show.stack(lambda x: f(x).set(1.0), x).html
    d = Drawing('a "<title>" & more')
    assert ElementTree.fromstring(d.svg("<d>")).get("aria-label") == 'a "<title>" & more'


# --- what each of them says --------------------------------------------------------------------


def test_a_graph_counts_what_a_program_costs_and_unfolds_what_is_inside() -> None:
    def f(x):
        return jax.jit(lambda y: jnp.sin(y) * y)(x) + 1.0

    picture = show.graph(f, x)
    assert str(picture).splitlines() == [
        "f: 2 equations, 9 flops, 88 B moved, at most 24 B live",
        "                            flops  moved  live",
        "a:f32[3]",
        "b:f32[3] = jit[<lambda>] a  6      60 B   24 B",
        "  inside <lambda>",
        "    d:f32[3]",
        "    e:f32[3] = sin d        3      24 B   24 B",
        "    f:f32[3] = mul e d      3      36 B   36 B",
        "    returns f",
        "c:f32[3] = add b 1.0        3      28 B   24 B",
        "returns c",
    ]
    assert "<summary>inside &lt;lambda&gt;: 2 equations, 6 flops" in picture.html


def test_axes_follow_the_batch_through_nested_maps() -> None:
    pairs = jax.vmap(jax.vmap(lambda a, b: a * b, (None, 0)), (0, None), axis_name="row")
    assert str(show.axes(pairs, np.ones(3), np.ones(4))).splitlines() == [
        "i over 4 elements",
        "row over 3 elements",
        "     for one element  for all                                 done by",
        "mul  f32[], f32[]     f32[row=3], f32[i=4] -> f32[row=3,i=4]  mul",
        "mul  f32[], f32[4]    f32[row=3], f32[4] -> f32[row=3,4]      "
        "broadcast_in_dim broadcast_in_dim mul",
    ]
    assert show.axes(jnp.sin, 1.0) == "nothing is mapped: no vmap met an operation"
    assert "f32[i=3] -> f32[i=3]" in show.axes(jax.grad(lambda x: jnp.sum(jax.vmap(jnp.sin)(x))), x)


@pytest.mark.parametrize("shape", [(1, 3), (2, 2), (3, 4), (5, 2, 3), (4, 1)])
def test_a_ring_ends_with_the_sum_everywhere(shape: tuple) -> None:
    rows = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    whole = rows.sum(0).reshape(-1)
    lines = str(show.ring(rows)).splitlines()
    n = shape[0]
    assert len(lines) == 2 + (2 * n - 1) + (2 * n - 2)
    numbers = [float(v) for v in re.findall(r"\d+\.(?:\d+)?", lines[-1].partition("  ")[2])]
    assert numbers == [*whole] * n
    assert lines[-1].count("*") == n * n


def test_a_ring_and_shards_refuse_what_they_cannot_show() -> None:
    with pytest.raises(ValueError, match="a row for each device, got one of shape"):
        show.ring(1.0)
    with pytest.raises(TypeError, match="show.shards takes an array, got list"):
        show.shards([1.0])


def test_an_axis_that_is_not_the_first_is_named() -> None:
    picture = show.stack(jax.vmap(jnp.sin, in_axes=1), np.ones((2, 1)))
    assert str(picture).splitlines()[0].split("  ")[-1] == "each of [[1.], [1.]] along axis 1"
    assert "vmap meets sin(each of [[1.], [1.]] along axis 1)" in picture.html


# --- devices -----------------------------------------------------------------------------------


@heavy
def test_a_timeline_is_measured_on_devices_and_leaves_nothing_behind() -> None:
    jax.config.update("jax_num_cpu_devices", 2)
    try:
        mean = jax.pmap(lambda x: x - jax.lax.pmean(x, "i"), axis_name="i")
        rows = str(show.timeline(mean, np.arange(8.0).reshape(2, 4))).splitlines()
        assert [row[:8] for row in rows[1:]] == ["device 0", "device 1", " " * 8]
        assert all(word in rows[1] for word in ("compute ", "send ", "wait "))
        assert VARIABLE not in os.environ and not LOGGER.handlers and not engine().workers
        wrong = show.timeline(jax.pmap(lambda x: x @ jnp.ones(7)), np.ones((2, 4)))
        assert "stopped in line" in wrong and not LOGGER.handlers
        assert list(mean(np.array([1.0, 3.0]))) == [-1.0, 1.0]
        split = show.shards(mean(np.array([1.0, 3.0])))
        assert str(split).splitlines()[1:] == ["device 0  [0:1]  4 B", "device 1  [1:2]  4 B"]
    finally:
        jax.config.update("jax_num_cpu_devices", -1)
    assert "no device did anything" in show.timeline(jnp.sin, x)


# --- in a browser ------------------------------------------------------------------------------


def test_the_slider_hides_what_comes_later_and_marks_what_comes_now(tmp_path: Path) -> None:
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip("there is no Chromium to open a page with")
    page = tmp_path / "page.html"
    move = ("<script>const s=document.querySelector('input');s.value=2;"
            "s.dispatchEvent(new Event('input'))</script>")
    page.write_text(made("transpose").html + made("tree").html + move, "utf-8")
    dom = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/u",
         "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=60).stdout
    first, second = dom.split('<div class="mj-page">')[1:]
    for shape in re.findall(r'<(?:text|line|rect|path|circle|li)\b[^>]*data-at="\d+"[^>]*>', first):
        at = int(re.search(r'data-at="(\d+)"', shape)[1])  # type: ignore[index]
        classes = re.findall(r'class="([^"]*)"', shape)
        assert ("later" in " ".join(classes).split()) == (at > 2), shape
        assert ("now" in " ".join(classes).split()) == (at == 2), shape
    assert not re.search(r'class="[^"]*later', second), "the other picture is left alone"
