"""Set formulas as MathML when the site is built, so that reading them needs no script.

`sphinx.ext.mathjax` would need one, and `sphinx.ext.imgmath` an installation of TeX.
"""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

_FUNCTION = "<mi>(?:log|cosh)</mi>"
_SPACE = '<mspace width="0.167em" />'


def mathml(formula: str, display: str) -> str:
    """Return a LaTeX formula as MathML.

    Parameters
    ----------
    formula
        LaTeX, without dollar signs.
    display
        ``"inline"`` or ``"block"``.

    Raises
    ------
    ValueError
        When the formula has a command that the converter does not know.
    """
    markup = str(convert(formula, display=display))
    # The converter passes an unknown command through.
    if "\\" in markup or "&#x0005C;" in markup:
        message = f"a formula that cannot be set: {formula}"
        raise ValueError(message)
    # Bars stand close to what they enclose, and the empty set is no operator.
    markup = re.sub("<mo>(&#x0007C;|&#x02016;)</mo>", r'<mo lspace="0" rspace="0">\1</mo>', markup)
    markup = markup.replace("<mo>&#x02205;</mo>", "<mi>&#x02205;</mi>")
    # Functions stand apart from their neighbours; a bracket needs no space.
    markup = re.sub(rf"(</\w+>)({_FUNCTION})", rf"\1{_SPACE}\2", markup)
    return re.sub(rf"({_FUNCTION})(?=<m[is])", rf"\1{_SPACE}", markup)


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(f'<span class="formula">{mathml(node.astext(), "inline")}</span>')
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    # A formula wider than a phone scrolls by itself; the focus lets the keyboard scroll it too.
    markup = mathml(node.astext(), "block")
    translator.body.append(
        f'<div class="formula" role="group" aria-label="formula" tabindex="0">{markup}</div>\n'
    )
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the extension."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
