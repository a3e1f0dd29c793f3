"""Decisions that are kept: packed and unpacked, of the networks as they are, image by image."""

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures import corruptions, corruptions_kept
from shapebias_utils.measures.corruptions_kept import TRIALS, keep, kept_trials, packed, unpacked
from shapebias_utils.networks import Network

NAMES = ("fog", "contrast")


@given(st.lists(st.booleans(), max_size=70))
def test_what_is_packed_comes_out_again(bits):
    text = packed(bits)
    assert text.startswith("x"), "else a CSV file might hold a number"
    assert unpacked(text, len(bits)).tolist() == bits


def test_packed_by_hand():
    assert packed([True, False, False, False, False, False, True, True, True]) == "x8380"


class Dark(torch.nn.Module):
    """Says class 3 where an image is dark."""

    def forward(self, x):
        dark = (x.mean((1, 2, 3)) < 0.5).long()
        return torch.nn.functional.one_hot(3 * dark, 16).float()


class Never(torch.nn.Module):
    def forward(self, x):
        raise AssertionError("a network was run, though its decisions are kept")


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    monkeypatch.setattr(Network, "checkpoint_hash", lambda self: f"hash of {self.name}")
    data = get_dataset("pictograms")
    images = data.images("validation").subset(range(9), "nine")
    names = images.table["imagename"]
    networks = [Network(n, Dark, "pictograms", n[0], n_classes=16) for n in ("A", "A2", "B")]
    subset = {"A": pd.Index(names[[0, 2, 7]]), "B": pd.Index(names[[2, 5]])}
    trials = corruptions.on_corrupted(networks, data, images, subset, NAMES)
    return data, images, networks, subset, trials


def test_kept_trials_are_the_trials_and_no_network_is_run_for_them(world, tmp_path):
    data, images, networks, subset, trials = world
    keep(trials, networks, data, images)
    assert (tmp_path / "pictograms" / "corruptions.csv").exists()
    same = [Network(n.name, Never, "pictograms", n.architecture, n_classes=16) for n in networks]
    again = corruptions.on_corrupted(same, data, images, subset, NAMES)
    key = ["network", "distortion", "level", "imagename"]
    assert list(again) == TRIALS and len(again) == 2 * 5 * (3 + 3 + 2)
    plain = {"level": int, "correct": bool}
    one, other = (t.astype(plain).sort_values(key, ignore_index=True) for t in (again, trials))
    pd.testing.assert_frame_equal(one, other)


def test_only_what_is_not_kept_is_computed(world, monkeypatch):
    data, images, networks, subset, trials = world
    keep(trials, networks, data, images)
    asked = []
    collect = corruptions.collect
    monkeypatch.setattr(
        corruptions, "collect", lambda n, i: asked.append((n[0].name, len(i))) or collect(n, i)
    )
    more = {"A": pd.Index(images.table["imagename"][[0, 1, 2, 7]]), "B": subset["B"]}
    found = corruptions.on_corrupted(networks, data, images, more, NAMES)
    assert asked == [("A", 5), ("A2", 5)] * 2, "one image at five severities, for each of A's"
    counts = found.groupby(["network", "distortion"]).size()
    assert counts.to_dict() == {(n, d): 5 * (2 if n == "B" else 4) for n in ("A", "A2", "B")
                                for d in NAMES}  # fmt: skip


CHANGES = {
    "other weights": lambda m, images: m.setattr(Network, "checkpoint_hash", lambda self: "new"),
    "a newer corruption": lambda m, images: m.setattr(corruptions_kept, "_made", lambda *a: "new"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_kept_of_something_else_does_not_count(world, monkeypatch, change):
    data, images, networks, _, trials = world
    keep(trials, networks, data, images)
    assert len(kept_trials(networks, data, images)) == len(trials)
    assert kept_trials(networks, data, images.subset(range(8), "nine")).empty, "other images"
    assert kept_trials(networks, data, images, seed=1).empty, "other draws of the corruptions"
    change(monkeypatch, images)
    assert kept_trials(networks, data, images).empty


def test_other_networks_stay_and_the_same_are_replaced(world):
    data, images, networks, _, trials = world
    keep(trials[trials["network"] != "B"], networks[:2], data, images)
    keep(trials[trials["network"] == "B"], networks[2:], data, images)
    assert len(kept_trials(networks, data, images)) == len(trials)
    wrong = trials.assign(correct=~trials["correct"].astype(bool))
    table = keep(wrong[wrong["network"] == "B"], networks[2:], data, images)
    assert len(table) == 3 * (1 + len(NAMES)), "a row each, and one of which images"
    found = kept_trials(networks, data, images)
    rows = found.merge(trials, on=TRIALS[:-1], suffixes=("", "_before"))
    flipped = rows["correct"] != rows["correct_before"].astype(bool)
    assert (flipped == (rows["network"] == "B")).all() and len(rows) == len(trials)


def test_a_check_computes_anew_and_finds_what_is_wrong(world):
    data, images, networks, subset, trials = world
    right = trials["correct"].astype(bool)
    wrong = trials.assign(correct=right ^ ((trials["level"] == 3) & (trials["network"] == "B")))
    keep(wrong, networks, data, images)
    check = (networks, data, images, subset, 1, NAMES)
    assert corruptions.agreement(trials, *check) == (30, 30), "of each network an image, 10 times"
    assert corruptions.agreement(wrong, *check) == (28, 30)
