"""What goes wrong is told in a line that names the thing and the remedy, and leaves nothing."""

import os
from pathlib import Path

import nbformat
import pytest

from shapebias_utils import notebooks as runner
from shapebias_utils.cli import main

ROOT = Path(__file__).parents[1]
PARAMETERS = """\
dataset: str = "pictograms"  # which images
networks: str = ""  # names with commas
eps: float = 1.0  # budget
folder: str = ""  # of stimuli or trials"""

STARTS = {
    "00_eps": "from shapebias_utils.attacks import Attack\nAttack(eps=eps)",
    "01_trials": ("from shapebias_utils.measures.schema import read_trials\nread_trials(folder)"),
    "02_stimuli": (
        "from shapebias_utils.datasets.cue_conflict import read_stimuli\nread_stimuli(folder)"
    ),
    "03_results": (
        "from types import SimpleNamespace as N\n"
        "import pandas as pd\n"
        "from shapebias_utils.results import cached\n"
        "network = N(name='A', seed=0, dataset='pictograms', checkpoint_hash=lambda: 'a')\n"
        "import json; VERSION = 1\n"
        "cached(lambda n, i: pd.DataFrame({'a': [1]}), network, N(name='i', digest='d'))"
    ),
}
"""Stem -> the cell with which a notebook meets its fault."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A place with the notebooks of STARTS; the working directory is in it."""
    monkeypatch.setattr(runner, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(runner, "BUILD", tmp_path / "build")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the kernel, which runs elsewhere
    monkeypatch.setenv("SHAPEBIAS_RESULTS", str(tmp_path / "results"))
    for stem, source in STARTS.items():
        cells = [nbformat.v4.new_code_cell(text) for text in (PARAMETERS, source)]
        cells[0].metadata["tags"] = ["parameters"]
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells, metadata=runner.METADATA),
            tmp_path / "notebooks" / f"{stem}.ipynb",
        )
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def error_of(capsys, *args):
    """The one line on stderr with which the command ends."""
    with pytest.raises(SystemExit) as caught:
        main(args)
    out, err = capsys.readouterr()
    assert caught.value.code == 1
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("shapebias: ")
    assert "Traceback" not in out + err
    return lines[0]


def files(folder):
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"
    )


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ("run 77", ["unknown notebook '77'", "there are 00_eps, 01_trials"]),
        ("run 00_epsilon", ["unknown notebook '00_epsilon'", "there are 00_eps"]),
        (
            "run 0 -p epsilon 1",
            ["00_eps has no parameter 'epsilon'", "it has dataset (which images)"],
        ),
        ("run 0 -p eps much", ["parameter eps of 00_eps is float, not 'much'", "default 1.0"]),
        ("run 0 -p eps", ["parameter 'eps' has no value", "write -p eps VALUE"]),
        ("run 0 -p dataset imagnet", ["unknown dataset 'imagnet'", "choose one of pictograms"]),
        ("run 0 -p networks VGG", ["unknown network 'VGG' for pictograms", "choose from AlexNet"]),
        (
            "run all -p epsilon 1",
            ["no notebook has a parameter 'epsilon'", "there are dataset, eps"],
        ),
        (
            "run 0 -p eps 1 --update",
            ["--update shows what a notebook's defaults give", "leave out -p"],
        ),
        (
            "train --architecture vgg",
            ["unknown architecture 'vgg'", "choose one of AlexNet, GoogLeNet"],
        ),
        (
            "train --training adversarial",
            ["unknown training 'adversarial'", "choose one of standard"],
        ),
        ("train --dataset cifar", ["unknown dataset 'cifar'", "choose one of pictograms"]),
        ("networks --dataset cifar", ["unknown dataset 'cifar'", "choose one of pictograms"]),
        ("fetch vgg", ["unknown download 'vgg'", "there are alexnet, googlenet"]),
        ("clean checkpoints", ["cannot clean 'checkpoints'", "choose results, figures"]),
    ],
)
def test_wrong_arguments_are_told_before_anything_happens(place, capsys, args, parts):
    before = files(place)
    line = error_of(capsys, *args.split())
    assert all(part in line for part in parts), line
    assert files(place) == before


def empty(place):
    (place / "empty").mkdir()


def unreadable(place):
    (place / "stimuli" / "cat").mkdir(parents=True)
    (place / "stimuli" / "cat" / "cat1-dog2.png").write_bytes(b"no image")


def unnamed(place):
    from PIL import Image

    (place / "stimuli" / "cat").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(place / "stimuli" / "cat" / "holiday.png")


def columns_missing(place):
    (place / "trials.csv").write_text("subj,session,trial,rt,category,condition\nA,1,1,,cat,cue\n")


def not_writable(place):
    (place / "results").write_text("a file where the folder of results should be")


@pytest.mark.parametrize(
    ("prepare", "args", "parts"),
    [
        (None, "run 0 -p eps -1", ["eps = -1", "it must be"]),
        (None, "run 1 -p folder ../absent", ["no trials at ../absent", "name a CSV file"]),
        (columns_missing, "run 1 -p folder ../trials.csv",
         ["trials.csv lacks the columns object_response, imagename", "trials have subj"]),
        (empty, "run 2 -p folder ../empty", ["empty", "cat4-dog2.png"]),
        (unreadable, "run 2 -p folder ../stimuli", ["cat1-dog2.png"]),
        (unnamed, "run 2 -p folder ../stimuli", ["holiday.png", "cat4-dog2.png"]),
        (not_writable, "run 3", ["cannot write in", "results", "SHAPEBIAS_RESULTS"]),
    ],
)  # fmt: skip
def test_a_fault_in_a_notebook_is_told_with_its_cell_and_copy(place, capsys, prepare, args, parts):
    if prepare:
        prepare(place)
    before = files(place)
    line = error_of(capsys, *args.split())
    stem = list(STARTS)[int(args.split()[1])]
    copy = place / "build" / "pictograms" / f"{stem}.ipynb"
    assert line.startswith(f"shapebias: {stem}, cell In ["), line
    assert all(part in line for part in [*parts, f"(executed copy: {copy})"]), line
    assert files(place) == sorted([*before, f"build/pictograms/{stem}.ipynb"])


def test_a_build_folder_that_cannot_be_written_is_named(place, capsys):
    (place / "build").write_text("a file where the folder should be")
    assert f"cannot write in {place / 'build'}" in error_of(capsys, "run", "0")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_to_write_is_told(place, capsys):
    (place / "work").chmod(0o500)
    assert "cannot write in" in error_of(
        capsys, "run", "0", "--out", str(place / "work" / "copies")
    )
