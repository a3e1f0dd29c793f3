"""A dataset is one record: nothing else has to know of it."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from shapebias_utils import datasets
from shapebias_utils.datasets import Dataset, ImageSet, dataset_names, get_dataset, register
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.paths import ROOT

GUIDE = ROOT / "docs" / "own_dataset.md"


def record(name: str) -> Dataset:
    return Dataset(name, "Mine", 8, 2, {}, images=None, attack=None, eps_grid=())


def test_a_registered_dataset_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr(datasets, "_OWN", {})
    mine = register(record("mine"))
    assert get_dataset("mine") is mine
    assert dataset_names() == [*datasets.SHIPPED, "mine"]
    assert not mine.networks() and not mine.recipes() and not mine.origins()
    with pytest.raises(ValueError, match="a dataset named 'imagenet' exists already"):
        register(record("imagenet"))
    with pytest.raises(ValueError, match="unknown dataset 'noise'; choose one of .*, mine"):
        get_dataset("noise")


@pytest.mark.parametrize(
    "notebook",
    ["01", "03", *(pytest.param(n, marks=pytest.mark.slow) for n in ("00", "02", "04", "09"))],
)
def test_notebooks_run_on_a_dataset_of_ones_own(tmp_path, notebook):
    record = tmp_path / "noise.py"
    record.write_text(re.search(r"```python\n(.+?)```", GUIDE.read_text(), re.S)[1])
    folders = {f"SHAPEBIAS_{name}": str(tmp_path) for name in ("RESULTS", "FIGURES", "BUILD")}
    done = subprocess.run(
        [sys.executable, "-m", "shapebias_utils.cli", "run", notebook, "-p", "dataset", "noise",
         "-p", "own_networks", record],
        cwd=ROOT, env=os.environ | folders, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "noise").glob(f"{notebook}_*.csv"))


def test_a_quick_look_takes_so_many_images_of_every_set(monkeypatch):
    monkeypatch.setattr(datasets, "_OWN", dict(datasets._OWN))

    def images(split, n=10):
        table = pd.DataFrame({"imagename": [f"{split}{i}" for i in range(n)]})
        return ImageSet(split, table, lambda rows: list(rows), f"digest of {split}")

    def concepts(folder):
        table = pd.DataFrame(columns=["number", "name", "category"])
        return ConceptSet(images(folder or "own"), table, lambda rows: list(rows), "labels")

    record = replace(
        get_dataset("pictograms"), name="quick", images=images, concepts=concepts,
        concept_sets={"a": lambda: concepts("a"), "b": lambda: concepts("b")},
        cue_axes={"contrast": ((0.5,), images)},
    )  # fmt: skip
    register(record)
    assert get_dataset("quick", 0) is record
    few = get_dataset("quick", 4)
    sets = {
        "validation": few.images("validation"), "folder": few.concepts("folder").images,
        "a": few.concept_sets["a"]().images, "b": few.concept_sets["b"]().images,
        "0.5": few.cue_axes["contrast"][1](0.5),
    }  # fmt: skip
    for name, found in sets.items():
        assert found.table["imagename"].tolist() == [f"{name}{i}" for i in (0, 3, 6, 9)]
        assert found.load([1, 3]) == [3, 9], "and no others are loaded"
        assert found.digest != images(name).digest, "results of a few are kept apart"
    assert few.concepts("folder").labels([1, 3]) == [3, 9]
    assert get_dataset("quick", 10).images("train").digest == images("train").digest
