"""`minijax slides check`: decks in several dialects of Markdown, and what is said of each block."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minijax.course.cli import main
from minijax.course.slides.check import check
from minijax.course.slides.command import told
from minijax.course.slides.deck import MarkdownDeck, NotebookDeck, read_deck

from .tiers import heavy

PANDOC = """\
% A deck
% Its author

# Slopes

``` {.python .numberLines startFrom="3"}
import jax
slope = jax.grad(lambda x: x * x)
slope(3.0)
```

::: Notes
* Say twice.
:::

~~~python
print(slope(4.0))
~~~
"""
SLIDEV = """\
---
theme: plain
---

# Two columns

<div class="grid grid-cols-2">

```python{all|1|3}
from jax import numpy as jnp

x = jnp.arange(4.0)
```

```ts
const x = 1
```

</div>

---
layout: center
---

```py {1}
x.sum()
```
"""
MARP = """\
---
marp: true
---

# Keys <!-- say nothing -->

1. A key makes numbers:

   ```python
   key = random.key(0)
   random.uniform(key)
   ```

---

> ```
> >>> 1 + 1
> 2
> ```
"""
FAULTS = """\
```python
def deep():
    return 1 / zero
```

```python
zero = 0
deep()
1 + 1
```

```python
import torch
weights = torch.ones(3)
```

```python
weights + 1
```

```python
class Net(nn.Module): ...
```

```python
later(2.0)
```

```python
def later(x): return x
```

```
ran in 3 s
```

```python
return 1
```

```python
import jax.nowhere
```

```python raises-exception
jnp.ones(2)[0] = 1
```

```python raises-exception
1 + 1
```

```python
while True: pass
```

```python
print("still here\\n" * 20)
```

```python
lost = 1 / 0
```

```python
lost
```

```python
import os
os._exit(0)
```

```python
1
```
"""
SAID = [
    "line 2: ran",
    "line 8: reported  ZeroDivisionError: division by zero",
    "line 13: reported  needs torch, another library",
    "line 18: reported  NameError: name 'weights' is not defined: needs torch, another library, at "
    "line 13",
    "line 22: reported  NameError: name 'nn' is not defined: needs flax or torch, another library",
    "line 26: reported  NameError: name 'later' is not defined: only line 30, further on, defines "
    "it",
    "line 30: ran",
    "line 34: reported  debris, not Python: invalid syntax",
    "line 38: reported  debris, not Python: 'return' outside function",
    "line 42: reported  minijax has no jax.nowhere",
    "line 46: ran",
    "line 50: reported  should raise, and does not",
    "line 54: reported  interrupted after 5 s",
    "line 58: ran",
    "line 62: reported  ZeroDivisionError: division by zero",
    "line 66: reported  NameError: name 'lost' is not defined: line 62 would define it, and did "
    "not run",
    "line 70: reported  ended the process, or took longer than 5 s",
    "line 75: reported  not run: the process had ended",
]


@pytest.mark.parametrize(
    "text, lines, codes",
    [
        (PANDOC, [7, 17], ["slope(3.0)", "print(slope(4.0))"]),
        (SLIDEV, [10, 26], ["x = jnp.arange(4.0)", "x.sum()"]),
        (MARP, [10, 17], ["random.uniform(key)", "1 + 1"]),
    ],
    ids=["pandoc", "slidev", "marp"],
)
def test_blocks_of_each_dialect(text, lines, codes):
    blocks = MarkdownDeck(text).blocks
    assert [block.line for block in blocks] == lines
    assert [block.code.strip().splitlines()[-1] for block in blocks] == codes


@heavy
def test_each_block_is_run_or_reported_with_the_reason():
    deck = MarkdownDeck(FAULTS)
    said = [told(result) for result in check(deck, Path(), timeout=5)]
    for line, expected in zip(said, SAID, strict=True):
        assert line.split("\n")[0].startswith(expected)
    assert said[10].endswith("use x = x.at[idx].set(y) or another .at[] method.")
    assert said[13].endswith("still here\n    ... (8 more lines)")


@pytest.fixture
def deck_file(tmp_path):
    path = tmp_path / "deck.md"
    path.write_text("\n".join([PANDOC, SLIDEV, MARP]), encoding="utf-8")
    return path


@heavy
def test_write_puts_outputs_beside_the_code_and_again_changes_nothing(deck_file):
    before = deck_file.read_text("utf-8").splitlines()
    first = CliRunner().invoke(main, ["slides", "check", "--write", str(deck_file)])
    assert first.exit_code == 0, first.output
    assert first.output.splitlines()[-1] == "6 run, 0 reported"
    assert "(imported for it: random)" in first.output
    after = deck_file.read_text("utf-8")
    added = [line for line in after.splitlines() if "#>" in line]
    assert [line for line in after.splitlines() if line not in added] == before
    assert added == [
        "#> Array(6., dtype=float32, weak_type=True)",
        "#> 8.0",
        "#> Array(6., dtype=float32)",
        "   #> Array(0.947667, dtype=float32)",
        "> #> 2",
    ]
    deck = read_deck(deck_file)
    results = check(deck, deck_file.parent, timeout=60)
    assert deck.with_outputs([result.outputs for result in results]) == after


@heavy
def test_a_notebook_keeps_its_prose_and_gets_its_outputs(tmp_path):
    old = new_output("stream", name="stdout", text="old\n")
    cells = [
        new_markdown_cell("# Maps"),
        new_code_cell("import jax.numpy as jnp, jax", outputs=[old], execution_count=7),
        new_code_cell("jax.vmap(lambda x: x + 1)(jnp.arange(3))\njnp.ones(2)"),
        new_code_cell("%matplotlib inline\n1 / 0"),
    ]
    path = tmp_path / "deck.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    done = CliRunner().invoke(main, ["slides", "check", "--write", str(path)])
    assert done.exit_code == 1
    assert "cell 4, line 2: reported  ZeroDivisionError" in done.output
    assert done.output.splitlines()[-1] == "2 run, 1 reported"
    prose, *code = nbformat.read(path, as_version=4).cells
    assert prose.source == "# Maps" and code[0].outputs == []
    assert code[1].outputs[0].data["text/plain"] == "Array([1., 1.], dtype=float32)"
    assert [cell.execution_count for cell in code] == [1, 2, 3]
    assert isinstance(read_deck(path), NotebookDeck)


def test_a_deck_without_code_says_what_code_is(tmp_path):
    path = tmp_path / "deck.md"
    path.write_text("# Words\n", "utf-8")
    done = CliRunner().invoke(main, ["slides", "check", str(path)])
    assert "begin a block of Python with  ```python" in done.output
    assert done.output.endswith("0 run, 0 reported\n") and done.exit_code == 0


@pytest.mark.parametrize("content", [b"{}", b"x", b"\xff\xfe"])
def test_a_file_that_is_no_notebook_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "deck.ipynb"
    path.write_bytes(content)
    done = CliRunner().invoke(main, ["slides", "check", str(path)])
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {path} is not a notebook: ")


def test_jax_is_minijax_only_where_a_deck_runs():
    code = (
        "import sys, minijax; from minijax.course.slides import alias; old = minijax.numpy.__spec__"
        "; alias.install(); import jax, jax.numpy as jnp, jax.scipy.special as special"
        "; assert jax is minijax and jnp is minijax.numpy and jnp.__spec__ is old"
        "; assert sys.modules['jax.scipy.special'] is special is minijax.scipy.special"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
