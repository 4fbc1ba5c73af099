"""Commands that are in modules of their own, which are imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from minijax.course.missing import install


class LazyGroup(click.Group):
    """Knows of some commands only the module: `{"lab": "minijax.course.lab"}`."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **attributes: Any):
        super().__init__(*args, **attributes)
        self.modules = modules
        for name in modules:  # what is listed, and suggested where a name is mistyped
            self.add_command(click.Command(name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.modules:
            try:
                module = importlib.import_module(self.modules[cmd_name])
            except ModuleNotFoundError as error:
                raise click.ClickException(install(str(error.name).split(".")[0])) from error
            self.add_command(getattr(module, cmd_name))
        return super().get_command(ctx, cmd_name)
