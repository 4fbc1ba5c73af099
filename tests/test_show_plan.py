"""The fusion plan: in words, as a drawing, and beside the sources."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minijax as jax
import minijax.numpy as jnp
from minijax.course import show
from minijax.course.show.lives import Life, in_lanes

SVG = "{http://www.w3.org/2000/svg}"


def struct(*shape: int, dtype: Any = np.float32) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype)


def layer(w, b, x):
    y = x @ w + b
    return jax.nn.relu(y)


def gradient(w, x):
    return jax.grad(lambda w: jnp.sum(jnp.sin(x @ w) ** 2))(w)


def spectrum(x):
    y = jnp.fft.fft(x[1:])
    return y * 2, 3.0


def deep(x):
    for _ in range(60):
        x = (x - x.mean(1, keepdims=True)) * 1.5 + jnp.sin(x)
    return x


def told(text: str, f: Callable) -> str:
    first = f.__code__.co_firstlineno
    return re.sub(r"\{(\d)\}", lambda m: str(first + int(m[1])), textwrap.dedent(text).strip())


@pytest.mark.parametrize(("f", "args", "text"), [
    (layer, [struct(784, 512), struct(512), struct(128, 784)], """
        layer: 4 equations in 2 steps, 262 kB between arguments and results
        1  matmul_0, a matrix product; each tile goes to step 2 while it is in the cache
           reads   x2:f32[128,784] 401 kB, x0:f32[784,512] 1.61 MB
           writes  b3:f32[128,512] 262 kB
           line {1} of layer: y = x @ w + b
             b3:f32[128,512] = dot_general x2 x0
        2  kernel_0, over 128 x 512 elements
           reads   b3:f32[128,512] 262 kB, x1:f32[512] 2.05 kB
           writes  b4:f32[128,512] 262 kB
           line {1} of layer: y = x @ w + b
             a:f32[1,512] = broadcast_in_dim x1  a view: no work
             b:f32[128,512] = add b3 a
           line {2} of layer: return jax.nn.relu(y)
             b4:f32[128,512] = max b 0.0
           free    b3
        returns b4
        """),
    (spectrum, [struct(11, dtype=np.complex64)], """
        spectrum: 3 equations in 2 steps, 80 B between arguments and results
        1  step_0, by NumPy
           reads   x0:c64[11] 80 B
           writes  b1:c64[10] 80 B
           line {1} of spectrum: y = jnp.fft.fft(x[1:])
             a:c64[10] = slice x0  a view: no work
             b1:c64[10] = fft a
        2  kernel_0, over 10 elements
           reads   b1:c64[10] 80 B
           writes  b2:c64[10] 80 B
           line {2} of spectrum: return y * 2, 3.0
             b2:c64[10] = mul b1 (2+0j)
           free    b1
        returns b2, 3.0
        """),
], ids=["layer", "spectrum"])
def test_the_plan_in_words(f: Callable, args: list, text: str) -> None:
    assert str(show.plan(f, *args)) == told(text, f)


def test_what_is_computed_again_is_said_to_be() -> None:
    def loss(w, b, x):
        return jnp.sum(jax.nn.relu(x @ w + b) @ w.T)

    text = str(show.plan(jax.grad(loss), struct(50, 60), struct(60), struct(70, 50)))
    (again,) = [line for line in text.splitlines() if line.endswith("computed again")]
    assert " add b" in again and text.count(again.strip().partition(" = ")[0] + " = ") == 2


def test_a_loop_is_shown_with_what_is_inside() -> None:
    def loop(x):
        return jax.lax.while_loop(lambda c: c[0] < 9, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, x))

    assert "while 0 x0  around lt add sin" in show.plan(loop, struct(5))


def test_every_name_is_an_array_or_was_made() -> None:
    def draw(key):
        return jax.random.normal(key, (1000,))

    text = str(show.plan(draw, jax.random.key(0)))
    rows = [line.strip() for line in text.splitlines() if " = " in line]
    known = {"x0"}
    for row in rows:
        left, _, right = row.partition(" = ")
        used = {word for word in right.split()[1:] if re.fullmatch(r"[a-z]|[bx]\d+", word)}
        assert used <= known, row
        known |= {v.partition(":")[0] for v in left.split()}


def test_a_gradient_names_the_lines_of_the_function() -> None:
    text = str(show.plan(gradient, struct(50, 60), struct(70, 50)))
    assert "computed again" in text or "cos" in text
    assert f"line {gradient.__code__.co_firstlineno + 1} of " in text


@pytest.mark.parametrize(("f", "args", "said"), [
    (lambda x: x, (1.0,), "0 equations in 0 steps\nreturns x0"),
    (lambda: None, (), "0 equations in 0 steps\nreturns nothing"),
    (jax.jit(lambda x: jnp.sin(x)), (1.0,), "sin x0"),
    (lambda x: x @ jnp.ones((4, 4)), (jnp.ones(3),), "stopped in line "),
    (lambda x: x.lenght, (1.0,), "lenght"),
])
def test_every_function_has_a_plan_or_a_reason(f: Callable, args: tuple, said: str) -> None:
    assert said in str(show.plan(f, *args))


def test_a_value_in_the_place_of_the_function_is_refused() -> None:
    with pytest.raises(TypeError, match="a picture takes a function"):
        show.plan(jnp.sin(2.0))


# --- drawn -------------------------------------------------------------------------------------


def drawn(f: Callable, *args: Any) -> ElementTree.Element:
    return ElementTree.fromstring(show.plan(f, *args).svg)


def test_the_drawing_stands_alone_and_says_what_it_shows() -> None:
    picture = show.plan(layer, struct(784, 512), struct(512), struct(128, 784))
    root = ElementTree.fromstring(picture.svg)
    tags = {element.tag for element in root.iter()}
    assert not tags & {SVG + "script", SVG + "foreignObject", SVG + "image"}
    assert "http" not in picture.svg.replace("http://www.w3.org/2000/svg", "")
    assert root.get("role") == "img" and root.get("aria-label") == str(picture).splitlines()[0]
    assert root.find(SVG + "title").text == root.get("aria-label")
    assert root.find(SVG + "desc").text == str(picture)
    style = root.find(SVG + "style").text
    assert "prefers-color-scheme: dark" in style
    rules = [part for line in style.splitlines() for part in line.split("{")[0].split(",")]
    assert all(".mj" in rule or rule.strip() in ("", "}") or rule.startswith("@media")
               for rule in rules), "no rule reaches the rest of the page"


def test_each_array_is_a_line_as_long_as_it_lives() -> None:
    root = drawn(layer, struct(784, 512), struct(512), struct(128, 784))
    lines = [line for line in root.iter(SVG + "line") if "thick" in line.get("class")]
    kinds = [line.get("class").split()[0] for line in lines]
    assert sorted(kinds) == ["blue", "edge", "edge", "edge", "orange"]
    titles = [c.findtext(SVG + "title") for c in root.iter(SVG + "circle")]
    assert "b3 f32[128,512], 262 kB: in between" in titles
    (between,) = [line for line in lines if "orange" in line.get("class")]
    (result,) = [line for line in lines if "blue" in line.get("class")]
    boxes = [r for r in root.iter(SVG + "rect") if r.get("class") == "sky"]
    middle = float(boxes[0].get("y")) + float(boxes[0].get("height")) / 2
    assert float(between.get("y2")) == middle == float(result.get("y1"))
    assert float(result.get("y2")) > middle


def test_arrays_that_live_at_one_time_are_in_different_lanes() -> None:
    lives = []
    for born, last in [(-1, 3), (-1, 0), (0, 2), (1, 5), (3, 4), (4, 5)]:
        lives.append(Life(f"x{len(lives)}", "f32[]", 4, born))
        lives[-1].reads = [last]
    placed = in_lanes(lives, 6)
    for i, (lane, a) in enumerate(placed):
        for other, b in placed[:i]:
            assert lane != other or a.born > b.last(6) or b.born > a.last(6)
    assert max(lane for lane, _ in placed) < len(lives) - 1


def test_a_large_program_is_a_small_drawing() -> None:
    picture = show.plan(deep, struct(300, 40))
    assert int(re.search(r": (\d+) equations", str(picture))[1]) > 200
    root = ElementTree.fromstring(picture.svg)
    texts = [t.text for t in root.iter(SVG + "text")]
    steps = sum(r.get("class") in ("sky", "leaf", "sun") for r in root.iter(SVG + "rect"))
    assert steps < 20 and len(texts) <= 8 * steps and all(len(t) <= 120 for t in texts)
    assert float(root.get("height")) < 120 * steps
    assert any("operations: " in t for t in texts)
    assert len(str(picture).splitlines()) <= 7 * steps + 2


def test_the_page_has_each_kernel_beside_the_lines_it_comes_from() -> None:
    picture = show.plan(layer, struct(784, 512), struct(512), struct(128, 784))
    page = picture.drawn._repr_html_()
    assert page.count("<details>") == 3 and "<script" not in page
    part = page[page.index("<summary>kernel_0"):]
    assert part.index("y = x @ w + b") < part.index("def kernel_0(lo, hi, sizes")
    assert "b4:f32[128,512] = max b 0.0" in part
    assert re.sub("<desc>.*</desc>\n", "", picture.svg, flags=re.DOTALL) in page


def test_text_of_the_reader_is_no_markup() -> None:
    def f(x):
        return jnp.where(x < 1, x, 2.0) if "<b>&" else x

    picture = show.plan(f, struct(3))
    ElementTree.fromstring(picture.svg)
    assert "<b>" not in picture.html and "&lt;b&gt;&amp;" in picture.html


def test_the_plan_of_a_function_that_is_not_right_goes_up_to_the_error() -> None:
    def wrong(x):
        y = jnp.sin(x) + 1.0
        return y.lenght

    picture = show.plan(wrong, struct(3))
    first = wrong.__code__.co_firstlineno
    head, kernel, *_, stopped, error = str(picture).splitlines()
    assert (head, kernel) == ("wrong: 2 equations in 1 step", "1  kernel_0, over 3 elements")
    assert stopped == f"stopped in line {first + 2} of wrong: return y.lenght"
    assert error.startswith("AttributeError")
    texts = [t.text for t in ElementTree.fromstring(picture.svg).iter(SVG + "text")]
    assert stopped in texts and "1  kernel_0" in texts


def test_static_arguments_of_jit_stay_static() -> None:
    f = jax.jit(lambda x, name: getattr(jnp, name)(x), static_argnums=1)
    assert "= sin x0" in str(show.plan(f, struct(3), "sin"))
