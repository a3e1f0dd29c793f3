"""Formulas as MathML, which browsers draw themselves: MathJax would be fetched, or vendored."""

from typing import TYPE_CHECKING

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator


def setup(app: "Sphinx") -> dict[str, bool]:
    """Tell Sphinx of the renderer, by the name `mathml`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}


def _inline(translator: "HTML5Translator", node: "Element") -> None:
    translator.body.append(convert(node.astext()))
    raise SkipNode  # its text is written already


def _block(translator: "HTML5Translator", node: "Element") -> None:
    translator.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise SkipNode
