"""`python -m minijax` is the command `minijax`."""

from minijax.course.cli import main

if __name__ == "__main__":
    main()
