"""The notebooks have their form, and nbval sees when what they show is no longer what comes out."""

import io
import os
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbval_tolerance import WIDGET, agree, differences
from notebook_form import PAPER, form_problems
from PIL import Image

from shapebias_utils.notebooks import METADATA, clean_metadata, saved_by

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_its_form(path):
    assert form_problems(path) == []


def test_notebooks_are_numbered_without_gaps_or_doubles():
    numbers = [path.name[:3] for path in NOTEBOOKS]
    assert "00_" in numbers
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in NOTEBOOKS)
    assert len(set(numbers)) == len(numbers)


# Form


def good_notebook() -> nbformat.NotebookNode:
    """A notebook that follows every rule, as it is after a run."""
    shown = new_output("execute_result", {"text/plain": "7"}, execution_count=3)
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# 03 · Claim\n\n[The paper]({PAPER}), Section 3.1: ..."),
            new_code_cell("from pathlib import Path", execution_count=1),
            new_code_cell(
                'dataset: str = "pictograms"  # which\nlevels: list = [\n    1,  # the first\n]',
                execution_count=2,
                metadata={"tags": ["parameters"]},
            ),
            new_code_cell("value = 7\nvalue", execution_count=3, outputs=[shown]),
        ]
    )
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def code(source):
    """A change that makes this the source of the last cell."""
    return lambda n: n.cells[-1].update(source=source)


def parameters(source):
    return lambda n: n.cells[2].update(source=source)


def output(**data):
    return lambda n: n.cells[-1].update(outputs=[new_output("display_data", data)])


def stdout(text):
    return lambda n: n.cells[-1].update(outputs=[new_output("stream", name="stdout", text=text)])


def error(n):
    n.cells[-1].outputs = [new_output("error", ename="KeyError", evalue="'x'", traceback=[])]


def more_cells(n):
    n.cells += [new_code_cell("pass", execution_count=k) for k in range(4, 14)]


def second_parameters(n):
    n.cells[3].metadata["tags"] = ["parameters"]


SLASH = "/"
BROKEN = {
    "no opening": (lambda n: n.cells.pop(0), "the first cell is not text"),
    "no link": (lambda n: n.cells[0].update(source="# Section 2"), "does not link the paper"),
    "no section": (lambda n: n.cells[0].update(source=f"# [It]({PAPER})"), "does not link"),
    "13 cells": (more_cells, "13 code cells; at most 12"),
    "16 lines": (code("x = 1\n" * 16), "code cell 3: 16 lines; at most 15"),
    "function": (code("if True:\n    def f(x):\n        return x"), "code cell 3: defines f"),
    "async": (code("async def g(): ..."), "code cell 3: defines g"),
    "class": (code("class A: ..."), "code cell 3: defines A"),
    "magic": (code("%matplotlib inline"), "code cell 3: not plain Python"),
    "absolute": (code(f"open('{SLASH}data/x.csv')"), "code cell 3: absolute path"),
    "home": (code(f"open('~{SLASH}x.csv')"), "code cell 3: absolute path"),
    "drive": (code("open(r'C:\\x.csv')"), "code cell 3: absolute path"),
    "in f-string": (code(f"print(f'{SLASH}data/{{x}}')"), "code cell 3: absolute path"),
    "no parameters": (lambda n: n.cells[2].update(metadata={}), "0 cells are tagged parameters"),
    "two parameters": (second_parameters, "2 cells are tagged parameters"),
    "untyped": (parameters("n = 3  # how many"), "`n = 3` is not `name: type = value`"),
    "no default": (parameters("n: int  # how many"), "`n: int` is not"),
    "a call": (parameters("print(1)  # hm"), "`print(1)` is not"),
    "no comment": (parameters("n: int = 3\nm: str = '# no'  # x"), "`n: int = 3` has no comment"),
    "not run": (lambda n: n.cells[1].update(execution_count=None), "counts [None, 2, 3]"),
    "run twice": (lambda n: n.cells[3].update(execution_count=4), "counts [1, 2, 4], not 1 to 3"),
    "nothing shown": (lambda n: n.cells[3].update(outputs=[]), "no outputs: run it"),
    "name not shown": (lambda n: n.cells[3].update(outputs=[]), "code cell 3: no output"),
    "failed": (error, "code cell 3: ended with KeyError"),
    "path printed": (stdout(f"in {SLASH}home/me/x"), "code cell 3: its output shows a path"),
    "path shown": (output(**{"text/html": f"<b>{SLASH}tmp/x</b>"}), "its output shows a path"),
    "papermill": (lambda n: n.metadata.update(papermill={}), "metadata is not clean (papermill)"),
    "other kernel": (lambda n: n.metadata.update(kernelspec={"name": "mine"}), "(kernel or"),
    "python version": (lambda n: n.metadata.language_info.update(version="3.11"), "(kernel or"),
    "times": (lambda n: n.cells[1].metadata.update(execution={}), "cell 1: metadata is not clean"),
}


@pytest.mark.parametrize("change, problem", BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_named(tmp_path, change, problem):
    notebook = good_notebook()
    change(notebook)
    nbformat.write(notebook, tmp_path / "n.ipynb")
    assert any(problem in found for found in form_problems(tmp_path / "n.ipynb"))


ALLOWED = {
    "as it is": lambda n: None,
    "a division": code("'a / b'.split('/')"),
    "15 lines": code("x = 1\n" * 14 + "x"),
    "12 cells": lambda n: (more_cells(n), n.cells.pop()),
    "a call that shows nothing": lambda n: (
        n.cells.insert(3, new_code_cell("print(end='')", execution_count=3))
        or n.cells[4].update(execution_count=4)
    ),
    "a link printed": stdout("https://example.org/home/page"),
    "another tag": lambda n: n.cells[3].metadata.update(tags=["nbval-ignore-output"]),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED)
def test_a_good_notebook_has_no_problems(tmp_path, change):
    notebook = good_notebook()
    change(notebook)
    nbformat.write(notebook, tmp_path / "n.ipynb")
    assert form_problems(tmp_path / "n.ipynb") == []


# Clean metadata


def test_cleaning_keeps_what_nbstripout_keeps(tmp_path):
    noisy, oracle = tmp_path / "noisy.ipynb", tmp_path / "oracle.ipynb"
    notebook = good_notebook()
    notebook.metadata.update(papermill={"duration": 1.0}, widgets={"state": {}})
    notebook.metadata.language_info.update(version="3.11.7", file_extension=".py")
    for cell in notebook.cells:
        cell.metadata.update(papermill={"status": "completed"}, execution={"a": 1}, collapsed=True)
    for path in (noisy, oracle):
        nbformat.write(notebook, path)
    noise = "metadata.papermill metadata.widgets metadata.language_info cell.metadata.papermill"
    subprocess.run(
        [sys.executable, "-m", "nbstripout", "--keep-output", "--keep-count", "--keep-id",
         "--extra-keys", noise, oracle], check=True,
    )  # fmt: skip
    assert clean_metadata(noisy)
    ours, theirs = (nbformat.read(path, as_version=4) for path in (noisy, oracle))
    assert ours.cells == theirs.cells
    assert ours.cells[2].metadata == {"tags": ["parameters"]}
    assert form_problems(noisy) == []


def test_cleaning_a_clean_notebook_changes_nothing(tmp_path):
    path = tmp_path / "n.ipynb"
    nbformat.write(good_notebook(), path)
    before = path.read_bytes()
    assert not clean_metadata(path)
    assert path.read_bytes() == before


# Comparison of outputs


@pytest.mark.parametrize(
    "stored, computed, same",
    [
        ("0.337", "0.337", True),
        ("0.337", "0.343", True),  # within 2 %
        ("0.33", "0.35", True),  # within 0.02
        ("0.337", "0.358", False),
        ("0.000", "0.019", True),
        ("0.000", "0.021", False),
        ("71.1", "72.5", True),  # per cent: 2 % of 72.5 are 1.45
        ("71.1", "72.6", False),
        ("1.2", "1.5", True),  # per cent: 0.3 points
        ("1.2", "1.6", False),
        ("412", "418", True),  # a count: 2 %
        ("412", "421", False),
        ("16", "17", False),  # a small count: the same
        ("49", "48", False),
        ("1,200", "1200", True),
        ("1,200", "1,300", False),
        ("1e-05", "1.01e-05", True),  # in scientific notation 2 % only
        ("1e-05", "1.1e-05", False),
        ("0.5", "-0.5", False),
        ("-31.4", "-31.5", True),
        ("\u22121.50", "-1.51", True),
    ],
)
def test_numbers_agree_within_the_stated_tolerance(stored, computed, same):
    assert agree(stored, computed) is same
    assert agree(computed, stored) is same


def shown(text="", kind="text/plain", **more):
    return [new_output("display_data", {kind: text, **more})]


TABLE = "<table><tr><td>AlexNet</td><td>{}</td></tr></table>"
TEXTS = [
    ("R gains 55.1 points", "R gains 55.3 points", True),
    ("R gains 55.1 points", "R loses 55.1 points", False),
    ("R gains 55.1 points", "R gains 58.1 points", False),
    ("R gains 55.1 points", "R gains 55.1 points.", False),
    ("33.7 [31.0, 36.4]", "33.8 [31.1, 36.5]", True),
    ("33.7 [31.0, 36.4]", "33.7 [31.0, 39.4]", False),
    ("AlexNet   9.9\nResNet   10.0", "AlexNet  10.0\nResNet   10.0", True),  # spaces align
    ("ResNet-50", "ResNet-51", False),  # names, not numbers
    ("conv4_300", "conv4_301", False),
    ("elephant100-cat200.png", "elephant101-cat200.png", False),
    ("torch 2.150.0", "torch 2.151.0", False),
    ("width: 640px", "width: 641px", False),
    ("nan", "0.5", False),
    ("nan", "nan", True),
    (TABLE.format(24.6), TABLE.format(24.7), True),
    (TABLE.format(24.6), TABLE.format(42.6), False),
    (TABLE.format(24.6), TABLE.format(24.6).replace("Alex", "Google"), False),
]


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "text/markdown"])
@pytest.mark.parametrize("stored, computed, same", TEXTS)
def test_text_is_compared_exactly_but_for_its_numbers(kind, stored, computed, same):
    found = differences(shown(stored, kind), shown(computed, kind))
    assert bool(found) is not same
    assert all(problem.startswith(f"{kind}: ") for problem in found)


def png(colour=(255, 255, 255, 255), size=(40, 30), dot=None):
    image = Image.new("RGBA", size, colour)
    if dot:
        image.paste(dot, (5, 5, 15, 15))
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    "stored, computed, problem",
    [
        (png(), png(), ""),
        (png((100, 100, 100, 255)), png((102, 102, 102, 255)), ""),
        (png((100, 100, 100, 255)), png((103, 103, 103, 255)), "3.0 RMS"),
        # 100 of 1,200 pixels, of 3 channels two differ by 255: 255 sqrt(100 / 1200 * 2 / 3)
        (png(dot="red"), png(dot="blue"), "60.1 RMS"),
        (png(size=(40, 30)), png(size=(41, 30)), "41 x 30 pixels, stored is 40 x 30"),
        (png((0, 0, 0, 0)), png(), ""),  # transparent is white, as on a page
        (png((0, 0, 0, 0)), png((0, 0, 0, 255)), "255.0 RMS"),
    ],
)
def test_figures_are_compared_by_their_pixels(stored, computed, problem):
    found = differences(shown(stored, "image/png"), shown(computed, "image/png"))
    assert len(found) == bool(problem)
    assert problem in "".join(found)


def stream(name, *texts):
    return [new_output("stream", name=name, text=text) for text in texts]


SLIDER = {WIDGET: {"model_id": "1"}}


@pytest.mark.parametrize(
    "stored, computed, same",
    [
        (stream("stderr", "  0%|"), stream("stderr", "100%|##"), True),
        (stream("stderr", "a warning"), [], True),
        (stream("stdout", "one\n", "two\n"), stream("stdout", "one\ntwo\n"), True),
        (stream("stdout", "one\n"), stream("stdout", "two\n"), False),
        (stream("stdout", "one\n"), [], False),
        (stream("stdout", " 5 %\r100 %\n"), stream("stdout", "50 %\r100 %\n"), True),
        (shown("slider", **SLIDER), shown("other", **SLIDER), True),
        (shown("slider", **SLIDER), [], True),
        (shown("x"), shown("x") + shown("y"), False),
        (shown("x") + shown("y"), shown("y") + shown("x"), False),
        (shown("x"), shown("x", **{"image/png": png()}), False),
        (shown("x"), shown("x", "text/html"), False),
        (shown({"a": 1}, "application/json"), shown({"a": 2}, "application/json"), False),
        ([], [], True),
    ],
)
def test_which_outputs_are_compared(stored, computed, same):
    assert bool(differences(stored, computed)) is not same


# nbval itself


CELLS = [
    "import sys, time\nimport matplotlib.pyplot as plt\nimport pandas as pd",
    "print('shape bias 33.7 %')",
    "print('S decides by texture')",
    "pd.DataFrame({'network': ['AlexNet', 'AlexNet-R'], 'shape': [0.337, 0.711]})",
    "pd.DataFrame({'network': ['AlexNet', 'AlexNet-R'], 'images': [412, 16]})",
    "_, axes = plt.subplots(figsize=(2, 2))\naxes.plot([0, 1], color='tab:blue')\nplt.show()",
    "print(time.time(), file=sys.stderr)",
    "time.time()",
]
WITHIN = {1: ("33.7", "33.9"), 3: ("0.337", "0.341"), 4: ("412", "415"), 5: ("co", "lw=1.6, co")}
BEYOND = {
    1: ("33.7", "35.7"),
    2: ("texture", "shape"),
    3: ("0.337", "0.377"),
    4: ("AlexNet-R", "ResNet-R"),
    5: ("tab:blue", "tab:orange"),
    6: ("print(", "prin("),
}


LATE = """
import time
kernel = get_ipython().kernel
publish = kernel._publish_status
def late(status, *args, **kwargs):
    time.sleep(6 if status == "idle" else 0)
    publish(status, *args, **kwargs)
kernel._publish_status = late
"""
"""The kernel takes long to say that it is done, as it may on a machine that does other work."""

LOUD = """
kernel = get_ipython().kernel
for number in range(10_000):
    said = {"comm_id": "bar", "data": {"value": number}}
    kernel.session.send(kernel.iopub_socket, "comm_msg", said, kernel.get_parent())
print("done")
"""
"""A cell that says more than ZeroMQ keeps for one who does not listen, as bars do in minutes."""


@pytest.fixture
def inside():
    """A folder below the repository's root, whose conftest.py so applies to what lies in it."""
    (ROOT / "build" / "test").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=ROOT / "build" / "test") as folder:
        yield Path(folder)


def test_nbval_sees_a_changed_number_word_and_colour(inside):
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    notebook.cells[-1].metadata["tags"] = ["nbval-ignore-output"]
    notebook.metadata = nbformat.from_dict(METADATA)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert all(cell.outputs for cell in notebook.cells[1:])
    for name, changes in {"within": WITHIN, "beyond": BEYOND}.items():
        copy = nbformat.from_dict(notebook)  # its outputs stay what they were
        for cell, (old, new) in changes.items():
            assert old in copy.cells[cell].source
            copy.cells[cell].source = copy.cells[cell].source.replace(old, new)
        nbformat.write(copy, inside / f"{name}.ipynb")
    notebook.cells = [new_code_cell(LATE)]
    nbformat.write(notebook, inside / "late.ipynb")
    said = [new_output("stream", text="done\n")]
    notebook.cells = [new_code_cell(LOUD, outputs=said, execution_count=1)]
    nbformat.write(notebook, inside / "loud.ipynb")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-rA", "-p",
         "no:cacheprovider", "-p", "no:xdist", "--color=no", inside],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    outcome = re.findall(r"^(PASSED|FAILED) \S*?(\w+)\.ipynb::Cell (\d)", done.stdout, re.M)
    passed, failed = (
        {(name, int(cell)) for word, name, cell in outcome if word == which}
        for which in ("PASSED", "FAILED")
    )
    assert failed == {("beyond", cell) for cell in BEYOND}, done.stdout[-3000:]
    assert len(passed) == 2 * len(CELLS) - len(BEYOND) + 2
    assert "35.7, stored is 33.7" in done.stdout
    assert re.search(r"the figures differ by \d+\.\d RMS", done.stdout)


@pytest.mark.parametrize(
    ("stem", "number"), [("03_heatmap", "03"), ("03_routes", "12"), ("07_figA6", "07")]
)
def test_a_figure_belongs_to_the_notebook_that_saves_it(stem, number):
    assert saved_by(stem).name.startswith(number)


def test_a_stem_that_no_notebook_saves():
    assert saved_by("99_nothing") is None
