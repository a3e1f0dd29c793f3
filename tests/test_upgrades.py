"""What an earlier version of the package left behind is read as it was meant, or refused by name.

``tests/kept`` holds one of each as that version wrote it: the state of a training after two of
three epochs, with its log; a table that is kept, a cached result, and their sidecars.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from helpers.toy_training import STANDARD, toy_images, toy_network

from shapebias_utils import results
from shapebias_utils.results import cached, stored
from shapebias_utils.training.loop import train

KEPT = Path(__file__).with_name("kept")
VERSION = 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of what was left; results are there."""
    shutil.copytree(KEPT, tmp_path / "kept")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "kept" / "results")
    return tmp_path / "kept"


def images_of_then():
    """Those images, which were not augmented."""
    images = toy_images()
    return replace(images, augment=lambda rows, seed: images.load(rows))


def test_a_training_of_before_goes_on_from_its_state(folder):
    epochs = []
    out = folder / "toy.safetensors"
    train(toy_network, images_of_then(), STANDARD, out, on_epoch=epochs.append)
    assert epochs == [2], "the last of three"
    log, before = pd.read_csv(folder / "toy.csv"), pd.read_csv(KEPT / "toy.csv")
    assert log["epoch"].tolist() == [1, 2, 3]
    pd.testing.assert_frame_equal(log[:2], before, check_exact=True)


def test_a_state_of_another_recipe_is_refused_by_name(folder):
    recipe = replace(STANDARD, rising_steps=5)  # a field that there was not then
    with pytest.raises(ValueError, match=r"toy\.state\.pt comes from another recipe"):
        train(toy_network, images_of_then(), recipe, folder / "toy.safetensors")


@pytest.mark.parametrize("lacking", ["facts", "rows", "optimiser"])
def test_a_state_of_another_form_is_refused_by_name(folder, lacking):
    state = folder / "toy.state.pt"
    kept = torch.load(state, weights_only=True)
    del kept[lacking]
    torch.save(kept, state)
    before = state.read_bytes()
    with pytest.raises(ValueError, match=r"toy\.state\.pt cannot be gone on from \(it is of ano"):
        train(toy_network, images_of_then(), STANDARD, folder / "toy.safetensors")
    assert state.read_bytes() == before


@pytest.mark.parametrize("contents", [b"", b"no state", b"PK\3\4", "half"])
def test_a_damaged_state_is_refused_by_name(folder, contents):
    state = folder / "toy.state.pt"
    state.write_bytes(state.read_bytes()[:4000] if contents == "half" else contents)
    with pytest.raises(ValueError, match=r"toy\.state\.pt .*it is damaged.*remove it") as error:
        train(toy_network, images_of_then(), STANDARD, folder / "toy.safetensors")
    assert "\n" not in str(error.value)


def test_a_kept_table_without_a_hash_is_read(folder):
    assert stored("toy", "kept", {"images": "some"})["value"].tolist() == [0.25, 0.5]
    assert stored("toy", "kept", {"images": "others"}).empty


def test_a_kept_table_that_is_not_its_sidecars_is_not_taken_for_it(folder):
    results.store(pd.DataFrame({"value": [1.0]}), "toy", "kept", {"images": "some"})
    sidecar = folder / "results" / "toy" / "kept.csv.json"
    before = sidecar.read_text()
    results.store(pd.DataFrame({"value": [2.0]}), "toy", "kept", {"images": "others"})
    sidecar.write_text(before)  # as if killed between the two files
    assert stored("toy", "kept", {"images": "some"}).empty


def squares(network, images, n=3):
    squares.computed += 1
    return pd.DataFrame({"i": range(n), "square": [i * i for i in range(n)]})


def test_a_cached_result_of_before_is_not_taken_for_one_of_now(folder):
    """Its key lacked module and versions, its sidecar the table's hash: it is computed anew."""
    squares.computed = 0
    network = SimpleNamespace(name="N", seed=0, dataset="toy", checkpoint_hash=lambda: "abc")
    images = SimpleNamespace(name="some", digest="d")
    table = cached(squares, network, images, n=4)
    assert squares.computed == 1 and table["square"].tolist() == [0, 1, 4, 9]
    old = folder / "results" / "toy" / "squares" / "N-seed0_some_n=4.csv"
    path, key = results.entry(squares, network, images, n=4)
    for kept in (old, old.with_name(old.name + ".json")):  # even under the name of now
        shutil.copy(kept, str(kept).replace(old.name, path.name))
    cached(squares, network, images, n=4)
    assert squares.computed == 2 and key["versions"]
