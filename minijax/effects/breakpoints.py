"""Stop in a running program and look at the values in scope: `jax.debug.breakpoint`.

In JAX: jax/_src/debugger/.
"""

from __future__ import annotations

import cmd
import inspect
import linecache
import pprint
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any

from minijax.core import Tracer
from minijax.effects.callbacks import FlatCallback, split_leaves
from minijax.effects.debugging import debug_callback_p
from minijax.effects.kinds import debug_effect, ordered_debug_effect
from minijax.effects.results import pure_callback
from minijax.lax.identities import stop_gradient
from minijax.source_info import user_frames
from minijax.tree_util import tree_leaves, tree_map


class Frame:
    """Where a function of the user was when the program was traced, without its variables."""

    def __init__(self, frame: Any):
        self.filename, self.lineno = frame.f_code.co_filename, frame.f_lineno
        self.name, self.globals = frame.f_code.co_name, frame.f_globals

    def source(self, n: int = 0) -> str:
        return linecache.getline(self.filename, self.lineno + n).rstrip()


def variables(frame: Any) -> dict[str, Any]:
    """The variables of a frame whose values can be taken apart and put together."""
    found = {}
    for name, value in frame.f_locals.items():
        try:
            tree_leaves(value)
        except Exception:  # the user's, for example a dict with keys that have no order
            continue
        found[name] = value
    return found


def is_traced(x: Any) -> bool:
    return isinstance(x, Tracer) and x._trace.alive


def breakpoint(*, backend: str | None = None, filter_frames: bool = True,
               num_frames: int | None = None, ordered: bool = False, token: Any = None,
               **kwargs: Any) -> Any:
    """Stop here whenever the program runs, with a prompt that shows the values in scope.

    `p x` prints a value, as does any expression; `l` shows the source, `u` and `d` go to the
    function that called this one and back, `w` shows them all, `c` continues, `q` ends Python.

    Args:
      filter_frames: leave out the library's own functions.
      num_frames: how many of the calling functions can be looked at; all of them by default.
      ordered: a promise here kept always: stops come in the order of the program.
      token: an array, returned as it is; stop when it has been computed. If what is returned is
        not used, there is no stop.
      stdin, stdout: files to use in the place of the terminal.
    """
    if backend not in (None, "cli"):
        raise ValueError(f"there is no debugger backend {backend!r}; the one here is 'cli'.")
    if token is not None and ordered:
        raise ValueError("`ordered` and `token` are mutually exclusive arguments.")
    found = [*user_frames()] if filter_frames else [info.frame for info in inspect.stack()[1:]]
    found = found[:num_frames]
    frames, scopes = list(map(Frame, found)), list(map(variables, found))

    def stop(scopes: list[dict[str, Any]]) -> None:
        Debugger(frames, scopes, **kwargs).run()

    if token is not None:
        return stop_after(token, stop, scopes)
    operands, in_tree, fixed = split_leaves((scopes,), {}, is_traced)
    callback = FlatCallback("jax.debug.breakpoint", stop, in_tree, fixed)
    debug_callback_p.bind(*operands, callback=callback, partitioned=False,
                          effect=ordered_debug_effect if ordered else debug_effect)


def stop_after(token: Any, stop: Callable, scopes: list[dict[str, Any]]) -> Any:
    """A stop whose place in the program is given by the value that passes through it."""
    operands, in_tree, fixed = split_leaves((scopes,), {}, is_traced)
    callback = FlatCallback("jax.debug.breakpoint", stop, in_tree, fixed)

    def passing(token: Any, operands: list[Any]) -> Any:
        callback(operands, in_program=False)
        return token

    token, operands = tree_map(stop_gradient, (token, operands))
    return pure_callback(passing, token, token, operands)


class Debugger(cmd.Cmd):
    """The prompt. A line is one of the commands below, or an expression."""

    prompt = "(jdb) "
    intro = "Entering jdb:"

    def __init__(self, frames: list[Frame], scopes: list[dict[str, Any]],
                 stdin: IO[str] | None = None, stdout: IO[str] | None = None):
        super().__init__(stdin=stdin, stdout=stdout)
        self.use_rawinput = stdin is None
        self.frames, self.scopes, self.index = frames, scopes, 0

    def run(self) -> None:
        try:
            self.cmdloop()
        except KeyboardInterrupt:
            self.say("--KeyboardInterrupt--")
            self.run()

    def say(self, text: str) -> None:
        print(text, file=self.stdout)

    def show(self, expression: str, text: Callable[[Any], str]) -> None:
        """The value of an expression of the user, or the error that it raises."""
        scope = {**self.frames[self.index].globals, **self.scopes[self.index]}
        try:
            self.say(text(eval(expression, scope)))
        except Exception as error:
            self.say(f"*** {traceback.format_exception_only(error)[-1].strip()}")

    def default(self, line: str) -> None:
        self.show(line, repr)

    def emptyline(self) -> bool:
        return False

    def do_p(self, arg: str) -> None:
        """p expression: print its value"""
        self.show(arg, repr)

    def do_pp(self, arg: str) -> None:
        """pp expression: print its value on several lines if it is long"""
        self.show(arg, pprint.pformat)

    def do_list(self, arg: str, around: int = 5) -> None:
        """l(ist): the source around this line"""
        frame = self.frames[self.index]
        self.say(f"> {frame.filename}({frame.lineno})")
        for n in range(-around, around + 1):
            if line := frame.source(n):
                self.say(f"{'->' if n == 0 else '  '}  {line}")

    def move(self, index: int, end: str) -> None:
        if index in range(len(self.frames)):
            self.index = index
        else:
            self.say(f"At {end} frame.")
        self.do_list("", 2)

    def do_up(self, arg: str) -> None:
        """u(p): to the function that called this one"""
        self.move(self.index + 1, "topmost")

    def do_down(self, arg: str) -> None:
        """d(own): to the function that this one called"""
        self.move(self.index - 1, "bottommost")

    def do_where(self, arg: str) -> None:
        """w(here), bt: all functions, the innermost last"""
        self.say("Traceback:")
        for frame in reversed(self.frames):
            self.say(f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}')
            self.say(f"    {frame.source().strip() or '<no source>'}")

    def do_continue(self, arg: str) -> bool:
        """c(ont(inue)): go on with the program"""
        return True

    def do_quit(self, arg: str) -> None:
        """q(uit), exit: end Python"""
        sys.exit(0)

    do_l, do_u, do_d = do_list, do_up, do_down
    do_w = do_bt = do_where
    do_c = do_cont = do_continue
    do_q = do_exit = do_EOF = do_quit
