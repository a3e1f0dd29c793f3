"""A dataset is one record: nothing else has to know of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shapebias_utils import datasets
from shapebias_utils.datasets import Dataset, dataset_names, get_dataset, register
from shapebias_utils.paths import ROOT

RECORD = Path(__file__).parent / "helpers" / "noise_dataset.py"


def record(name: str) -> Dataset:
    return Dataset(name, "Mine", 8, 2, {}, images=None, attack=None, eps_grid=())


def test_a_registered_dataset_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr(datasets, "_OWN", {})
    mine = register(record("mine"))
    assert get_dataset("mine") is mine and dataset_names() == ["pictograms", "imagenet", "mine"]
    assert not mine.networks() and not mine.recipes() and not mine.origins()
    with pytest.raises(ValueError, match="a dataset named 'imagenet' exists already"):
        register(record("imagenet"))
    with pytest.raises(ValueError, match="unknown dataset 'noise'; choose one of .*, mine"):
        get_dataset("noise")


@pytest.mark.parametrize("notebook", ["01", "02", "03"])
def test_notebooks_run_on_a_dataset_of_ones_own(tmp_path, notebook):
    folders = {f"SHAPEBIAS_{name}": str(tmp_path) for name in ("RESULTS", "FIGURES", "BUILD")}
    done = subprocess.run(
        [sys.executable, "-m", "shapebias_utils.cli", "run", notebook, "-p", "dataset", "noise",
         "-p", "own_networks", RECORD],
        cwd=ROOT, env=os.environ | folders, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "noise").glob(f"{notebook}_*.csv"))
