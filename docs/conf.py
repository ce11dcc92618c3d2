"""Sphinx settings of `make docs`: these pages, and one page per command, made from its help."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import command_pages

import blueattr

project = "blueattr"
author = "the authors of blueattr"
version = release = blueattr.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "example_report",
    "mathml",
]
exclude_patterns = ["_*"]
myst_enable_extensions = ["deflist", "dollarmath"]
# A dollar sign beside a space or a digit is one; so it is on a code host.
myst_dmath_allow_space = False
myst_dmath_allow_digits = False
myst_heading_anchors = 3
# A broken link is an error (with -W and -n).
nitpicky = True
# The library's page is made from docstrings in NumPy's style, whose single backquotes mean code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
# Errors are named by a tree of them all, below which a link would have nothing to lead to.
nitpick_ignore_regex = [("py:exc", r"\w+Error")]
# No build date: the same sources give the same site.
html_last_updated_fmt = None

# Smart quotes would turn the two hyphens of an option into a dash.
smartquotes = False

html_theme = "furo"
html_title = "blueattr"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
# Summaries would be fetched, and browsers refuse to fetch from file:// pages.
html_show_search_summary = False
html_use_index = False
html_theme_options = {
    # The theme shows the name above the contents already.
    "sidebar_hide_name": False,
    "footer_icons": [],
}

command_pages.write(Path(__file__).parent / "commands")


def setup(app: Any) -> None:
    """Make code blocks focusable, so that the keyboard can scroll them on narrow screens."""

    def reach(_app: Any, _page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
        context["body"] = context.get("body", "").replace("<pre>", '<pre tabindex="0">')

    app.connect("html-page-context", reach)
