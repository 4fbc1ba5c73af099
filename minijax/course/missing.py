"""What is said where a library of an extra is missing. This module itself needs none."""


def install(*names: str, extra: str = "course") -> str:
    """The sentence, with the command.

    >>> install("click")
    "this needs click: in your clone run  python -m pip install '.[course]'"
    """
    return (f"this needs {', '.join(names)}: in your clone run  "
            f"python -m pip install '.[{extra}]'")
