"""Operations that do something: print, call back to Python, stop. Users reach them as
`minijax.debug`, `minijax.pure_callback` and `minijax.experimental.io_callback`."""
