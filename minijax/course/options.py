"""`minijax options`: everything that can be set from outside, in one list."""

from __future__ import annotations

import textwrap

import click

from minijax.config import Config, config

# What is read from the environment alone.
ENVIRONMENT = {
    "MINIJAX_CACHE_DIR":
        "The folder of compiled kernels, if jax_compilation_cache_dir names none.",
    "MINIJAX_PORTABLE":
        "1: processes of devices wait for each other without what only Linux has.",
    "MINIJAX_TIME_DEVICES":
        "1: processes of devices log when they compute and when they wait.",
    "XLA_FLAGS":
        "--xla_force_host_platform_device_count=4: four devices, if jax_num_cpu_devices is -1.",
}


@click.command()
def options() -> None:
    """List all options and environment variables.

    A program sets an option with jax.config.update("jax_enable_x64", True). From outside it is set
    by the environment variable of its name in capitals, JAX_ENABLE_X64=1, which is read when
    minijax is imported. Each is listed with the value it has now.
    """
    for name, value in sorted(config.values.items()):
        entry(f"{name} = {value!r}", vars(Config)[name].__doc__)
    click.echo("\nIn the environment only:\n")
    for name, meaning in ENVIRONMENT.items():
        entry(name, meaning)


def entry(head: str, text: str) -> None:
    click.echo(f"{head}\n{textwrap.indent(textwrap.fill(text, 74), '    ')}")
