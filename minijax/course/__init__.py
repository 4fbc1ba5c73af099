"""What teaches: pictures, chapters and the tools that keep them true. Nothing imports this."""

from minijax.course import tracebacks

tracebacks.install()
