"""What is asked of the form of a committed notebook.

What its outputs may differ by when it is run again stands in `nbval_tolerance`.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from shapebias_utils.notebooks import METADATA

PAPER = "https://arxiv.org/abs/2006.09373"
MOST_CELLS, MOST_LINES = 12, 15

MACHINE_PATH = re.compile(r"(?<![\w.~+/})-])/(?:home|root|tmp|work|opt|Users)(?=/\w|[\"'\s]|$)")
"""Folders that exist on somebody's machine only; a URL with such a part is not meant."""

SECTION = re.compile(r"\b(?:section|appendix)", re.IGNORECASE)

ABSOLUTE_PATH = re.compile(r"(?:~?/|[A-Za-z]:[\\/])\w")


def form_problems(path: Path) -> list[str]:
    """What breaks the rules for notebooks, a line each; nothing for a notebook as it should be.

    The first cell is text and links the paper and its section. There are at most 12 code cells of
    15 lines, without functions, classes, absolute paths or magics; one is tagged `parameters`
    and holds nothing but annotated assignments with a comment each. The notebook has been run
    from top to bottom, and its metadata is clean.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = list(_opening_problems(notebook.cells))
    if len(code) > MOST_CELLS:
        found.append(f"{len(code)} code cells; at most {MOST_CELLS}, the package does the work")
    for number, cell in enumerate(code, 1):
        found += [f"code cell {number}: {problem}" for problem in _code_problems(cell.source)]
        found += [f"code cell {number}: {problem}" for problem in _output_problems(cell)]
    found += _parameter_problems(code)
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        found.append(f"execution counts {counts}, not 1 to {len(code)}: run it from top to bottom")
    if not any(cell.outputs for cell in code):
        found.append("no outputs: run it and keep them")
    return found + list(_metadata_problems(notebook))


def _opening_problems(cells: Sequence[Mapping]) -> Iterator[str]:
    first = cells[0] if cells else {"cell_type": "nothing", "source": ""}
    if first["cell_type"] != "markdown":
        yield "the first cell is not text"
    elif PAPER not in first["source"] or not SECTION.search(first["source"]):
        yield f"the first cell does not link the paper ({PAPER}) and name its section"


def _tags(cell: Mapping) -> Sequence[str]:
    return cell.metadata.get("tags", ())


def _code_problems(source: str) -> Iterator[str]:
    lines = len(source.splitlines())
    if lines > MOST_LINES:
        yield f"{lines} lines; at most {MOST_LINES}"
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"not plain Python: {error.msg}"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"defines {node.name}; the package is the place for it"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if ABSOLUTE_PATH.match(node.value):
                yield f"absolute path {node.value!r}"


def _output_problems(cell: Mapping) -> Iterator[str]:
    try:
        statements = ast.parse(cell.source).body
    except SyntaxError:
        return
    last = statements[-1] if statements else None
    # What a call returns is not known here; a name at the end is there to be seen.
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call) and not cell.outputs:
        yield "no output, though its last line is there to be shown"
    for output in cell.outputs:
        texts = [output.get("text", ""), output.get("evalue", ""), *output.get("data", {}).values()]
        if output.output_type == "error" and "raises-exception" not in _tags(cell):
            yield f"ended with {output.ename}"
        if any(isinstance(text, str) and MACHINE_PATH.search(text) for text in texts):
            yield "its output shows a path of the machine it ran on"


def _parameter_problems(code: Sequence[Mapping]) -> Iterator[str]:
    tagged = [cell for cell in code if "parameters" in _tags(cell)]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged parameters, not one"
        return
    try:
        statements = ast.parse(tagged[0].source).body
    except SyntaxError:
        return  # said already
    tokens = tokenize.generate_tokens(io.StringIO(tagged[0].source).readline)
    commented = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    for node in statements:
        text = ast.unparse(node)
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            yield f"parameters: `{text}` is not `name: type = value`"
        elif not commented & set(range(node.lineno, node.end_lineno + 1)):
            yield f"parameters: `{text}` has no comment"


def _metadata_problems(notebook: Mapping) -> Iterator[str]:
    if dict(notebook.metadata) != METADATA:
        noise = ", ".join(sorted(set(notebook.metadata) - set(METADATA))) or "kernel or language"
        yield f"metadata is not clean ({noise})"
    for number, cell in enumerate(notebook.cells):
        if noise := sorted(set(cell.metadata) - {"tags"}):
            yield f"cell {number}: metadata is not clean ({', '.join(noise)})"
