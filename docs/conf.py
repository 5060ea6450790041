"""Sphinx, for ``make docs``. The pages are Markdown whose code runs while they are built; an error in it ends the build.

The reference, and the tables and plots in it, are written from the code by ``made.py`` before the pages are read.
"""

import os
import sys
from pathlib import Path

os.environ["AUTODIFF_PURE"] = "1"  # plain Python has its signatures and types; the pages' kernels inherit this
DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import made  # noqa: E402

import autodiff  # noqa: E402

project = "autodiff"
author = "The autodiff authors"
project_copyright = author
version = release = autodiff.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build", "_made"]
root_doc = "index"
language = "en"
nitpicky = False
suppress_warnings = ["mystnb.unknown_mime_type"]

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "attrs_block"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "groupwise"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
python_maximum_signature_line_length = 100
python_use_unqualified_type_names = True
toc_object_entries = False
add_module_names = False

html_theme = "furo"
html_title = f"autodiff {release}"
html_static_path = ["_static"]
html_extra_path = ["_made/extra"]
html_favicon = "_static/icon.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = r">>> |\.\.\. |\$ |\(ad\) "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

(DOCS / "_made" / "extra").mkdir(parents=True, exist_ok=True)
if (DOCS / "_made" / "extra" / "playground").exists():
    tags.add("playground")  # noqa: F821  Sphinx has it here


def bars_are_bars(app, what, name, thing, options, lines):
    """``|x|`` in a docstring is an absolute value; outside of literals reStructuredText would look for a substitution."""
    lines[:] = [
        "``".join(part if i % 2 else part.replace("|", r"\|") for i, part in enumerate(line.split("``"))) for line in lines
    ]


# What scrolls is reached by the keyboard too, and a heading says of which level it is.
REACHED = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    "<pre id=": '<pre tabindex="0" id=',
    "<pre><span></span>": '<pre tabindex="0"><span></span>',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    '<th class="head"><p></p></th>': "<td></td>",
}


def make_accessible(app, problem):
    """The last touch to every page."""
    if problem is None:
        for file in Path(app.outdir).rglob("*.html"):
            if "pages" not in file.parts:
                text = file.read_text(encoding="utf-8")
                for old, new in REACHED.items():
                    text = text.replace(old, new)
                file.write_text(text, encoding="utf-8")


def setup(app):
    """Write what is made from the code before any page is read."""
    app.connect("builder-inited", lambda app: made.everything(DOCS))
    app.connect("build-finished", make_accessible)
    app.connect("autodoc-process-docstring", bars_are_bars)
