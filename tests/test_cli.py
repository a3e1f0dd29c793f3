"""The command line: answers at once, passes on what it is given, tells errors in one line."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import torch
from PIL import Image

from shapebias_utils import datasets, networks
from shapebias_utils import notebooks as runner
from shapebias_utils.cli import _joined, main
from shapebias_utils.cli.training import _network, _trained_here
from shapebias_utils.datasets import ImageSet
from shapebias_utils.training import recipes as all_recipes
from shapebias_utils.training import studies
from shapebias_utils.training.recipes import Recipe

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "run",
    "bias",
    "train",
    "doctor",
    "fetch",
    "networks",
    "datasets",
    "distort",
    "export-broden",
    "clean",
)


def call(*args):
    """The exit code of a command."""
    with pytest.raises(SystemExit) as caught:
        main(args)
    return caught.value.code


def test_help_answers_at_once_and_imports_nothing_heavy():
    heavy = "torch torchvision pandas numpy matplotlib papermill nbformat"
    code = (
        "import sys, shapebias_utils.cli as c\n"
        "try: c.main(['--help'])\n"
        f"finally: print([m for m in {heavy.split()} if m in sys.modules])"
    )
    seconds = []
    for _ in range(3):
        before = os.times()
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        after = os.times()  # of the processor: a busy machine makes nothing slower
        seconds.append(sum(after[2:4]) - sum(before[2:4]))
        assert run.stdout.splitlines()[-1] == "[]"
        assert all(command in run.stdout for command in COMMANDS)
    assert min(seconds) < 0.5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    assert call(command, "--help") == 0
    assert f"Usage: shapebias {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "joined"),
    [
        ("run 3", "run 3"),
        ("run 3 -p n 1 --update", "run 3 -p n=1 --update"),
        ("run -p eps -1 -p a b=c 3", "run -p eps=-1 -p a=b=c 3"),
        ("run 3 -p n=1 --update", "run 3 -p n=1 --update"),
        ("run 3 -p n", "run 3 -p n"),
        ("run 3 -p", "run 3 -p"),
    ],
)
def test_a_parameter_is_a_name_and_a_value(args, joined):
    assert _joined(args.split()) == joined.split()


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """Three notebooks that are run by a stand-in: `made` lists the runs, `fails` who fails."""
    monkeypatch.setattr(runner, "NOTEBOOKS", tmp_path)
    for stem, parameters in (
        ("00_start", "n: int = 1  # how many"),
        ("01_more", "n: int = 1\nm: int = 2"),
        ("02_last", "k: int = 1"),
    ):
        cell = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        notebook = nbformat.v4.new_notebook(cells=[cell], metadata=runner.METADATA)
        nbformat.write(notebook, tmp_path / f"{stem}.ipynb")
    made, fails = [], set()

    def run(notebook, values, out=None):
        made.append((notebook.stem, values, out))
        if notebook.stem in fails:
            raise runner.NotebookError(f"{notebook.stem}, cell In [1]: ValueError: no")
        return tmp_path / "build" / notebook.name, 12.34

    monkeypatch.setattr(runner, "run", run)
    return made, fails


def test_run_passes_on_what_it_is_given(notebooks, capsys, tmp_path):
    assert call("run", "1", "-p", "n", "-5", "-p", "m", "3", "--out", str(tmp_path)) == 0
    assert notebooks[0] == [("01_more", {"n": -5, "m": 3}, tmp_path)]
    assert capsys.readouterr().out.startswith("01_more  12.3 s  ")


def test_run_all_prints_the_times_and_gives_each_what_it_knows(notebooks, capsys):
    assert call("run", "all", "-p", "n", "5") == 0
    assert notebooks[0] == [
        ("00_start", {"n": 5}, None),
        ("01_more", {"n": 5}, None),
        ("02_last", {}, None),
    ]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        [stem, "12.3", "s"] for stem in ("00_start", "01_more", "02_last")
    ] + [["all", "37.0", "s"]]


def test_run_all_goes_on_after_a_failure_and_fails_in_the_end(notebooks, capsys):
    made, fails = notebooks
    fails |= {"01_more"}
    assert call("run", "all") == 1
    assert [stem for stem, *_ in made] == ["00_start", "01_more", "02_last"]
    out, err = capsys.readouterr()
    assert "01_more   failed" in out
    assert err.splitlines() == [
        "shapebias: 01_more, cell In [1]: ValueError: no", "shapebias: 1 of 3 failed: 01_more"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("study", "effects", "--notebook", "99"), "unknown notebook '99'; choose one of 01, 02"),
        (
            ("study", "training_curves", "--architecture", "VGG"),
            "unknown architecture 'VGG'; choose",
        ),
        (("run", "0", "-p", "m", "1"), "00_start has no parameter 'm'; it has n (how many)"),
        (("run", "all", "-p", "x", "1"), "no notebook has a parameter 'x'; there are k, m, n"),
        (("run", "0", "-p", "n"), "parameter 'n' has no value; write -p n VALUE"),
        (("run", "0", "-p", "n", "1", "--update"), "leave out -p, or --update"),
    ],
)
def test_run_refuses_before_it_runs(notebooks, capsys, args, message):
    assert call(*args) == 1
    assert message in capsys.readouterr().err
    assert notebooks[0] == []


@pytest.mark.parametrize("args", [("--nope",), ("run",), ("nope",), ("train", "--seed", "x")])
def test_wrong_usage_is_one_line_and_code_2(capsys, args):
    assert call(*args) == 2
    error = capsys.readouterr().err
    assert error.startswith("shapebias: ")
    assert error.count("\n") == 1


def test_debug_shows_the_traceback(notebooks):
    with pytest.raises(ValueError, match="unknown notebook"):
        main(["run", "77", "--debug"])


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Recipes of one epoch over 64 random images; the folder that checkpoints go to."""
    pixels = torch.rand(64, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    table = pd.DataFrame(
        {"imagename": [str(i) for i in range(64)], "label": [i % 16 for i in range(64)]}
    )
    images = ImageSet("train", table, lambda r: pixels[r], "tiny", lambda r, seed: pixels[list(r)])
    dataset = replace(datasets.get_dataset("pictograms"), images=lambda split: images)
    monkeypatch.setattr(studies, "get_dataset", lambda name: dataset)
    recipes = {
        "standard": Recipe(epochs=1, rate=0.01),
        "robust": Recipe(epochs=1, rate=0.01, start="standard"),
    }
    monkeypatch.setattr(all_recipes, "PICTOGRAMS", {"AlexNet": recipes})
    monkeypatch.setattr(networks, "CHECKPOINTS", tmp_path)
    return tmp_path / "pictograms", recipes


def test_train_begins_with_what_the_recipe_starts_from(tiny, capsys):
    folder, _ = tiny
    assert call("train", "--architecture", "ALEXNET", "--training", "Robust", "--seed", "3") == 0
    weights = folder / "alexnet_robust_seed3.safetensors"
    standard = folder / "alexnet_standard_seed3.safetensors"
    found = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (weights, standard)}
    assert json.loads(weights.with_suffix(".json").read_text())["start"] == found[standard]
    out = capsys.readouterr().out
    assert out.startswith(f"AlexNet-R: {weights}, SHA-256 {found[weights]}, 0.")
    assert out.endswith("minutes\n")


def test_train_repeats_nothing_unless_forced(tiny, capsys):
    folder, _ = tiny
    assert call("train", "--training", "standard") == 0
    path = folder / "alexnet_standard_seed0.safetensors"
    before = path.stat().st_mtime_ns
    assert call("train", "--training", "standard") == 0
    assert "trained already, --force trains it anew" in capsys.readouterr().out
    assert path.stat().st_mtime_ns == before
    assert call("train", "--training", "standard", "--force") == 0
    assert path.stat().st_mtime_ns > before


def test_train_all_trains_all_recipes(tiny):
    assert call("train", "--all") == 0
    assert sorted(p.name for p in tiny[0].glob("*.safetensors")) == [
        "alexnet_robust_seed0.safetensors", "alexnet_standard_seed0.safetensors"
    ]  # fmt: skip


def test_train_all_of_one_architecture(tiny, monkeypatch):
    others = {"ResNet": dict(tiny[1])}
    monkeypatch.setattr(all_recipes, "PICTOGRAMS", {"AlexNet": tiny[1]} | others)
    assert call("train", "--all", "--architecture", "alexnet") == 0
    assert {p.name.split("_")[0] for p in tiny[0].glob("*.safetensors")} == {"alexnet"}


def test_a_checkpoint_of_another_recipe_is_not_taken_for_this_one(tiny, capsys):
    assert call("train", "--training", "standard") == 0
    tiny[1]["standard"] = Recipe(epochs=1, rate=0.02)
    assert call("train", "--training", "standard") == 1
    error = capsys.readouterr().err
    assert "comes from another recipe" in error
    assert error.count("shapebias: ") == 1


def test_published_weights_are_never_written_over():
    kinds = [(a, t) for a in ("AlexNet", "GoogLeNet", "ResNet") for t in ("standard", "robust")]
    records = [_network("imagenet", *kind, seed) for kind in kinds for seed in (0, 1)]
    outs = [_trained_here(record).path() for record in records]
    assert {path.suffix for path in outs} == {".safetensors"}
    assert len(set(outs)) == len(records)
    assert not set(outs) & {record.path() for record in records}


def test_networks_are_listed_with_their_checkpoints(tiny, capsys):
    assert call("train", "--training", "standard") == 0
    capsys.readouterr()
    assert call("networks", "--dataset", "pictograms") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row[1] for row in rows] == networks.network_names("pictograms")
    assert {row[1]: row[4] for row in rows} == {
        name: "ok:" if name == "AlexNet" else "missing:"
        for name in networks.network_names("pictograms")
    }


def test_datasets_are_listed(capsys):
    assert call("datasets") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == datasets.dataset_names()
    assert "L2 eps 1, 10 steps" in lines[1]


def test_photos_are_drawn_distorted_and_what_lacks_something_is_left_out(
    tmp_path, capsys, monkeypatch
):
    from shapebias_utils import figures
    from shapebias_utils.distortions import stylize

    drawn = []
    draw = figures.image_grid
    monkeypatch.setattr(figures, "image_grid", lambda *a, **k: drawn.append(a) or draw(*a, **k))
    lost = replace(stylize.ENCODER, path=tmp_path / "lost.pth")
    monkeypatch.setattr(stylize, "ENCODER", lost)
    for name, colour in (("red.png", "red"), ("blue.jpg", "blue")):
        Image.new("RGB", (300, 260), colour).save(tmp_path / name)
    photos = [str(tmp_path / name) for name in ("red.png", "blue.jpg")]
    out = tmp_path / "new" / "sheet.png"
    only = ("--only", "scramble, stylized,greyscale", "--columns", "3", "--out", str(out))
    assert call("distort", *photos, *only) == 0
    printed = capsys.readouterr()
    assert printed.out.strip().endswith("sheet.png")
    assert (
        printed.err.startswith("left out: stylized: no weights at") and "\n" not in printed.err[:-1]
    )
    ((images, titles, columns),) = drawn
    shown = ["Scrambled 2", "Scrambled 4", "Scrambled 8", "Greyscale", " "]
    assert titles == ["red.png", *shown, "blue.jpg", *shown] and columns == 3
    assert images.shape == (12, 3, 224, 224)
    assert images[0, :, 0, 0].tolist() == images[2, :, 9, 9].tolist() == [1, 0, 0]
    assert (images[4, 0] == images[4, 1]).all() and (images[5] == 1).all()
    with Image.open(out) as sheet:
        assert min(sheet.size) > 300


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["photo.png", "--only", "oil"], "unknown distortion 'oil'; choose one of"),
        (["nothing.png"], "there is no image file nothing.png"),
        (["photo.png", "photo.png"], "two images are named photo.png"),
        (["text.png", "--only", "greyscale"], "text.png is not a readable image"),
    ],
)
def test_what_cannot_be_distorted_is_named_in_one_line(args, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (30, 20)).save("photo.png")
    Path("text.png").write_text("text")
    assert call("distort", *args) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("shapebias: ") and says in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photo.png", "text.png"]


def test_the_reader_of_a_pipe_may_leave():
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); sys.stdout = os.fdopen(w, 'w')\n"
        "from shapebias_utils.cli import main; main(['fetch', 'list'])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
