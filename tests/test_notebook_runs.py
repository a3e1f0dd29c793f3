"""Notebooks run headless: found by number, parameters checked first, failures told in a line."""

import json
import os
import re
import shutil
from pathlib import Path

import nbformat
import papermill
import pytest
from nbclient.exceptions import DeadKernelError

from shapebias_utils import notebooks as runner
from shapebias_utils import paths
from shapebias_utils.cli import main

PARAMETERS = """\
dataset: str = "pictograms"  # which images
networks: str = ""  # names with commas
own_networks: str = ""  # Python file
n: int = 3  # how many
share: float = 0.5  # of all
sure: bool = False
stimuli: str = ""  # folder
place: str = ""
decision: str = "mean"
stimuli_transform: str = "native"
seed: int = 0
levels = [1, 2]"""


def write_notebook(folder: Path, stem: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook of a parameters cell and these code cells."""
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    rest = [nbformat.v4.new_code_cell(source) for source in cells]
    notebook = nbformat.v4.new_notebook(cells=[first, *rest])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "3"}
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / f"{stem}.ipynb")
    return folder / f"{stem}.ipynb"


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """An empty folder of notebooks, with a build folder beside it."""
    monkeypatch.setattr(runner, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(runner, "BUILD", tmp_path / "build")
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(o.get("text", "") for c in cells for o in c.get("outputs", ()))


@pytest.mark.parametrize("name", ["3", "03", "03_cue_conflict", "03_cue_conflict.ipynb",
                                  "notebooks/03_cue_conflict.ipynb"])  # fmt: skip
def test_a_notebook_is_found_by_number_or_name(notebooks, name):
    for stem in ("13_other", "03_cue_conflict", "00_start_here"):
        write_notebook(notebooks, stem)
    assert [p.stem for p in runner.find_notebooks(name)] == ["03_cue_conflict"]


def test_all_are_the_numbered_ones_in_order(notebooks):
    for stem in ("10_claims", "03_cue_conflict", "00_start_here", "scratch"):
        write_notebook(notebooks, stem)
    found = [p.stem for p in runner.find_notebooks("all")]
    assert found == ["00_start_here", "03_cue_conflict", "10_claims"]


@pytest.mark.parametrize("name", ["4", "cue_conflict", "scratch", ""])
def test_an_unknown_notebook_lists_the_known_ones(notebooks, name):
    for stem in ("03_cue_conflict", "scratch"):
        write_notebook(notebooks, stem)
    with pytest.raises(ValueError, match=r"unknown notebook '.*'; there are 03_cue_conflict$"):
        runner.find_notebooks(name)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n", "12", 12),
        ("n", "-1", -1),
        ("share", "1e-3", 0.001),
        ("share", "2", 2),
        ("sure", "true", True),
        ("sure", "False", False),
        ("place", "2", "2"),  # annotated str: taken literally
        ("place", "no", "no"),
        ("levels", "[1, 2.5, a]", [1, 2.5, "a"]),
        ("levels", "null", None),
        ("levels", "2020-01-01", "2020-01-01"),
        ("levels", "[", "["),
    ],
)
def test_a_value_is_read_by_its_annotation_or_else_as_yaml(notebooks, name, text, value):
    found = runner.values_for(write_notebook(notebooks, "00_a"), {name: text})
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text"), [("n", "few"), ("n", "1.5"), ("n", "true"), ("share", "half"), ("sure", "1")]
)
def test_a_value_of_another_type_is_refused(notebooks, name, text):
    with pytest.raises(
        ValueError, match=rf"parameter {name} of 00_a is \w+, not '{text}' \(default"
    ):
        runner.values_for(write_notebook(notebooks, "00_a"), {name: text})


def test_an_unknown_parameter_lists_the_known_ones_with_their_comments(notebooks):
    path = write_notebook(notebooks, "00_a")
    with pytest.raises(
        ValueError, match=r"no parameter 'nn'; it has dataset \(which images\); .*n \(how"
    ):
        runner.values_for(path, {"nn": "1"})
    assert runner.values_for(path, {"nn": "1", "n": "1"}, skip_unknown=True) == {"n": 1}


def test_paths_are_made_absolute_and_names_are_not(notebooks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("pictograms", "AlexNet", "mean", "stimuli"):
        (tmp_path / folder).mkdir()
    given = {"dataset": "pictograms", "networks": "AlexNet", "decision": "mean"}
    path = write_notebook(notebooks, "00_a")
    assert runner.values_for(path, given) == given
    assert runner.values_for(path, {"place": "stimuli"}) == {"place": str(tmp_path / "stimuli")}
    assert runner.values_for(path, {"place": "absent"}) == {"place": "absent"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dataset": "imagnet"}, "unknown dataset 'imagnet'; choose one of pictograms"),
        ({"networks": "AlexNet,VGG"}, "unknown network 'VGG' for pictograms; choose from AlexNet,"),
        ({"networks": " , "}, "networks ' , ' names none: leave it empty"),
        ({"networks": "ResNet, AlexNet, ResNet"}, "networks has ResNet twice: name each once"),
        ({"decision": "wrong"}, "unknown decision 'wrong'; choose mean, max, sum"),
        (
            {"stimuli_transform": "sideways"},
            "unknown stimuli_transform 'sideways'; choose native, preset",
        ),
        ({"seed": "77"}, "no weights of AlexNet from seed 77: train them with `shapebias train"),
        ({"seed": "-1"}, "no weights of AlexNet from seed -1"),
        ({"own_networks": "mine.py", "networks": "Mine"}, "own_networks: no file at mine.py"),
        ({"stimuli": "absent"}, "no folder absent with cue-conflict images: give the path"),
    ],
)
def test_wrong_names_are_refused_before_anything_runs(notebooks, given, message):
    with pytest.raises(ValueError, match=message):
        runner.values_for(write_notebook(notebooks, "00_a"), given)


def test_names_of_own_networks_are_left_to_the_file_that_registers_them(notebooks, tmp_path):
    (tmp_path / "mine.py").write_text("")
    given = {"own_networks": str(tmp_path / "mine.py"), "networks": "Mine"}
    assert runner.values_for(write_notebook(notebooks, "00_a"), given) == given


def test_a_run_leaves_the_notebook_alone_and_runs_beside_it(notebooks, tmp_path):
    source = "import os, sys\nprint(os.path.basename(os.getcwd()), n, repr(sys.stdin.read()))"
    path = write_notebook(notebooks, "00_a", source)
    before, here = path.read_bytes(), Path.cwd()
    copy, seconds = runner.run(path, {"n": 7})
    assert copy == tmp_path / "build" / "pictograms" / "00_a.ipynb"
    assert printed(copy) == "notebooks 7 ''\n"
    assert path.read_bytes() == before
    assert Path.cwd() == here
    assert seconds > 0


def test_a_failing_cell_is_named_with_its_reason_and_its_copy(notebooks, tmp_path):
    path = write_notebook(notebooks, "00_a", "print('before')", "raise ValueError('first\\nlast')")
    with pytest.raises(runner.NotebookError) as caught:
        runner.run(path, {}, tmp_path / "out")
    copy = tmp_path / "out" / "00_a.ipynb"
    assert str(caught.value) == f"00_a, cell In [3]: ValueError: last (executed copy: {copy})"
    assert printed(copy) == "before\n"


def test_a_kernel_that_dies_is_told(notebooks):
    path = write_notebook(notebooks, "00_a", "import os\nos._exit(1)")
    with pytest.raises(runner.NotebookError, match="00_a: the kernel died while a cell ran"):
        runner.run(path, {})


@pytest.mark.parametrize(
    ("errors", "calls", "raised"),
    [
        ([RuntimeError("Kernel died before replying to kernel_info")], 2, None),
        (
            [RuntimeError("Kernel died before replying to kernel_info")] * 2,
            2,
            runner.KernelStartError,
        ),
        ([DeadKernelError("Kernel died")], 1, runner.NotebookError),
    ],
)
def test_a_kernel_start_is_tried_twice(notebooks, monkeypatch, errors, calls, raised):
    left, made = list(errors), []

    def execute(*args, **keywords):
        made.append(keywords)
        if left:
            raise left.pop(0)
        shutil.copy(*args)

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    path = write_notebook(notebooks, "00_a")
    if raised:
        with pytest.raises(raised, match="00_a: the kernel d"):
            runner.run(path, {})
    else:
        runner.run(path, {})
    assert len(made) == calls


def test_a_notebook_is_never_overwritten_by_its_copy(notebooks):
    with pytest.raises(ValueError, match="choose another folder for --out"):
        runner.run(write_notebook(notebooks, "00_a"), {}, notebooks)


def executed(path: Path, folder: Path, output: str) -> Path:
    """A copy of the notebook as papermill would leave it, without running it."""
    notebook = nbformat.read(path, as_version=4)
    for count, cell in enumerate(notebook.cells, 1):
        cell.execution_count = count
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"{output}\n")]
        cell.metadata["papermill"] = {"duration": 1.0}
    folder.mkdir()
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


def test_update_brings_the_outputs_and_nothing_else(notebooks, tmp_path):
    path = write_notebook(notebooks, "00_a", "print(n)")
    runner.update(path, executed(path, tmp_path / "copies", "new"))
    cells = json.loads(path.read_text())["cells"]
    assert [c["outputs"][0]["text"] for c in cells] == [["new\n"]] * 2
    assert [c["execution_count"] for c in cells] == [1, 2]
    assert [c["metadata"] for c in cells] == [{"tags": ["parameters"]}, {}]
    assert os.listdir(notebooks) == ["00_a.ipynb"]


def test_update_refuses_a_notebook_that_was_edited_since(notebooks, tmp_path):
    path = write_notebook(notebooks, "00_a", "print(n)")
    copy = executed(path, tmp_path / "copies", "new")
    path = write_notebook(notebooks, "00_a", "print(n + 1)")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="was edited since"):
        runner.update(path, copy)
    assert path.read_bytes() == before


def test_an_update_renews_figures_whose_values_are_the_same(notebooks, tmp_path, monkeypatch):
    monkeypatch.setenv("SHAPEBIAS_RENEW", "")
    noted = []  # and its time is for the README alone: none of this one
    monkeypatch.setattr(runner, "note_time", lambda path, *_: noted.append(path))
    path = write_notebook(notebooks, "00_a", "import os\nprint(os.environ['SHAPEBIAS_RENEW'])")
    for more in ([], ["--update"]):
        with pytest.raises(SystemExit, match="0"):
            main(["run", "0", *more])
        assert printed(tmp_path / "build" / "pictograms" / path.name) == ("1\n" if more else "\n")
    assert printed(path) == "1\n"
    assert noted == [path]


def test_a_page_needs_nothing_but_itself(notebooks, tmp_path, monkeypatch):
    """Its picture is in it, its formula is MathML, its link to a notebook leads to that's page.

    Where there is one, that is; and it names no place of the machine.
    """
    pytest.importorskip("latex2mathml", reason="the extra [site] is not installed")
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    path = write_notebook(notebooks, "00_a", "import matplotlib.pyplot as plt\nplt.plot([0, n])")
    notebook = nbformat.read(path, as_version=4)
    text = "Costs $5, [next](01_b.ipynb) or [last](02_c.ipynb): $$x^2$$ and $y_1$"
    notebook.cells.append(nbformat.v4.new_markdown_cell(text))
    notebook.cells.append(nbformat.v4.new_code_cell("import warnings; warnings.warn('here')"))
    nbformat.write(notebook, path)
    beside = tmp_path / "figures" / "cifar10" / "01_b.html"
    beside.parent.mkdir(parents=True)
    beside.touch()
    with pytest.raises(SystemExit, match="0"):
        main(["run", "0", "-p", "dataset", "cifar10", "--page"])
    page = (tmp_path / "figures" / "cifar10" / "00_a.html").read_text()
    assert 'src="data:image/png;base64,' in page
    assert page.count("<math") == 2 and "<msup>" in page and "Costs $5" in page
    assert 'href="01_b.html"' in page and "or last:" in page and "02_c" not in page
    assert "UserWarning" not in page
    assert "<script" not in page and not re.search(r'(src|href)="https?:', page)


@pytest.mark.parametrize(
    "text, stays",
    [("AlexNet on 32 images: 100%|####| 3/3 [00:01<00:00]", False),
     ("AlexNet on a great many images of a set with a long name:   0%|          | 0/…", False),
     ("VBox(children=(IntSlider(value=0),))", True), ("accuracy 50%", True)],
)  # fmt: skip
def test_bars_are_taken_out_and_explorers_stay(tmp_path, text, stays):
    view = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": text}
    output = nbformat.v4.new_output("display_data", data=view)
    cell = nbformat.v4.new_code_cell("measure()", outputs=[output])
    path = tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    runner._drop_progress_bars(path)
    (cell,) = nbformat.read(path, as_version=4).cells
    assert len(cell.outputs) == stays
