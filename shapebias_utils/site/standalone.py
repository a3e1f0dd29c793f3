"""One executed notebook as one HTML file that needs nothing else and asks no server for anything.

For runs whose images cannot be shipped: what they showed can.
"""

import re
from pathlib import Path

from latex2mathml.converter import convert

from ..files import atomic
from ..paths import ROOT

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
img { max-width: 100%; height: auto; }
pre { overflow-x: auto; background: #f6f6f6; padding: .6rem .8rem; font-size: 13px; }
table { border-collapse: collapse; border: none; font-size: 14px; display: block;
  overflow-x: auto; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
.prompt, .jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
"""

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^\s$]|[^\s$][^$\n]*?[^\s$])\$", re.DOTALL)

LINK = re.compile(r'<a [^>]*?href="(\d\d_\w+)\.ipynb(#[^"]*)?"[^>]*>(.*?)</a>', re.DOTALL)


def keep(notebook: Path, out: Path) -> Path:
    """Write the executed notebook as HTML to `out`, which is returned.

    Pictures are in it, formulas are MathML, and links to other notebooks lead to their pages,
    where those are beside it. Warnings, which name places of the machine, are left out.
    """
    import nbformat
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    executed, formulas = nbformat.read(notebook, as_version=4), []

    def put_aside(found: re.Match) -> str:  # Markdown's cleaning would take the tags away
        display = "block" if found[1] else "inline"
        formulas.append(convert(found[1] or found[2], display=display))
        return f"@formula{len(formulas)}@"

    def linked(found: re.Match) -> str:
        page = out.with_name(f"{found[1]}.html")
        if not page.exists() and page != out:
            return found[3]
        return f'<a href="{page.name}{found[2] or ""}">{found[3]}</a>'

    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        if cell.cell_type == "markdown":
            cell.source = FORMULA.sub(put_aside, cell.source)
    body, _ = HTMLExporter(template_name="basic", embed_images=True).from_notebook_node(executed)
    body = LINK.sub(linked, body).replace(f"{ROOT}/", "")  # what is said of files
    for number, formula in enumerate(formulas, 1):
        body = body.replace(f"@formula{number}@", formula)
    style = STYLE + HtmlFormatter().get_style_defs(".highlight")
    head = f'<meta charset="utf-8"><title>{out.stem}</title><style>{style}</style>'
    head += '<meta name="viewport" content="width=device-width">'
    page = f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'
    with atomic(out) as path:
        path.write_text(page, encoding="utf-8")
    return out
