"""The site of `make docs`: these pages, and one for each command, written from its help."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import command_pages

import blueattr

project = "blueattr"
author = "the authors of blueattr"
version = release = blueattr.__version__

extensions = ["myst_parser", "example_report"]
exclude_patterns = ["_*"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
# A link that leads nowhere is an error, under -W and -n.
nitpicky = True
# As of the last change, and not of the build: the same sources give the same site.
html_last_updated_fmt = None

# What is typed is shown as it is typed: two hyphens are an option.
smartquotes = False

html_theme = "furo"
html_title = "blueattr"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
# They would be fetched, which a browser refuses to what it reads from files.
html_show_search_summary = False
html_use_index = False
html_theme_options = {
    # The name stands above the contents already.
    "sidebar_hide_name": False,
    "footer_icons": [],
}

command_pages.write(Path(__file__).parent / "commands")


def setup(app: Any) -> None:
    """Let the keyboard scroll consoles, which are wider than a phone."""

    def reach(_app: Any, _page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
        context["body"] = context.get("body", "").replace("<pre>", '<pre tabindex="0">')

    app.connect("html-page-context", reach)
