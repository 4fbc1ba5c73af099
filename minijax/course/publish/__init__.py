"""The book: chapters, exercises and reference as pages for a browser, made by Sphinx."""
