"""What Sphinx is told. `pages.py` writes the sources; `html.py` gives the title and the author."""

from pathlib import Path

from minijax.course.publish.reference import process_docstring

STATIC = Path(__file__).resolve().parents[1] / "static"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_external_toc",
]
external_toc_path = "_toc.yml"

# Chapters: the outputs that are stored are the ones that the tests compare.
nb_execution_mode = "off"
nb_merge_streams = True
suppress_warnings = ["misc.highlighting_failure"]  # errors are shown as they are: no lexer's Python
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_typehints = "none"
add_module_names = False

html_theme = "sphinx_book_theme"
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the search field is in the sidebar
    "use_download_button": True,
}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_static_path = [str(STATIC / "mathjax"), str(STATIC / "book")]
html_css_files = ["book.css"]
html_favicon = str(STATIC / "book" / "favicon.svg")
html_show_copyright = False
html_show_sphinx = False
mathjax_path = "tex-svg.js"


def setup(app):
    app.connect("autodoc-process-docstring", process_docstring)
