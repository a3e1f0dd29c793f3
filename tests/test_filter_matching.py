"""Filters: which of R is which of S, and whether R's are the smoother ones."""

import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.filters import bank, record
from scipy.stats import spearmanr
from torch import nn

from shapebias_utils import figures
from shapebias_utils.measures.smoothness.filter_matching import (
    MATCH,
    correspond,
    filter_bank,
    match,
    match_pairs,
    rivals,
    spearman,
    with_tv,
)
from shapebias_utils.measures.smoothness.filter_tv import Definition, filter_tv, kernels
from shapebias_utils.measures.statistics import holm
from shapebias_utils.networks import Network, get_networks
from shapebias_utils.networks.normalised import normalised
from shapebias_utils.paths import ROOT

WEIGHTS = ROOT.parent / "shared" / "data" / "networks" / "squeezenet1_1_caffe.pth"


# --- matching -------------------------------------------------------------------------------------


def test_correlations_are_scipys():
    first, second = bank(4), bank(6, seed=1).round(0)  # rounded: with ties
    found = spearman(first, second)
    for i, j in np.ndindex(4, 6):
        assert found[i, j] == pytest.approx(spearmanr(first[i].ravel(), second[j].ravel())[0])


def test_a_constant_filter_correlates_with_nothing():
    assert (spearman(np.ones((1, 3, 3, 3)), bank()) == 0).all()


@pytest.mark.parametrize("how", ["nearest", "one-to-one"])
def test_filters_that_were_shuffled_and_rescaled_are_found_again(how):
    order = [3, 0, 4, 1, 2]
    other = 7 * bank()[order] + 1  # neither scale nor offset changes ranks
    table = match(record(bank()), record(other, "R", "robust"), how)
    assert list(table.columns) == MATCH
    assert [order[m] for m in table["match"]] == list(range(5))
    assert table["r"].tolist() == pytest.approx([1] * 5)


def test_nearest_may_serve_several_and_one_to_one_may_not():
    s = bank()
    s[1] = s[0] + 0.05 * bank(1, seed=5)[0]  # two filters of S alike, one of R like them
    r = bank(5, seed=9)
    r[2] = s[0]
    nearest = match(record(s), record(r, "R"), "nearest")
    assert nearest["match"].tolist()[:2] == [2, 2]
    assert (nearest["r"] == spearman(s, r).max(1)).all()
    single = match(record(s), record(r, "R"), "one-to-one")
    assert sorted(single["match"]) == [0, 1, 2, 3, 4]
    by_brute_force = max(spearman(s, r)[range(5), list(p)].sum() for p in permutations(range(5)))
    assert single["r"].sum() == pytest.approx(by_brute_force)
    same = match(record(s), record(r, "R"), "index")
    assert (same["match"] == same["filter"]).all()


def test_wrong_matches_are_refused_by_name():
    a, b = record(bank()), record(bank(size=5), "R")
    with pytest.raises(ValueError, match="unknown pairing 'best'; choose one of index, nearest"):
        match(a, a, "best")
    with pytest.raises(ValueError, match="S and R have convolutions of different shapes"):
        match(a, b)
    with pytest.raises(ValueError, match="S has no layer 'conv9'.* it has conv1"):
        match(a, a, layers=["conv9"])


def test_no_pairs_no_matches():
    nothing = match_pairs([], "nearest", first=True)
    assert list(nothing.columns) == MATCH and nothing.empty
    tv = filter_tv(kernels([record(bank())]))
    assert not figures.matched_filters(with_tv(nothing, tv), {}).axes[0].images


def test_pictograms_r_and_control_go_on_from_s_filter_by_filter():
    couples = rivals(get_networks("pictograms", "AlexNet, AlexNet-R"))
    names = [(a.name, b.name) for a, b in couples]
    assert names == [("AlexNet", "AlexNet-R"), ("AlexNet-control", "AlexNet-R")]
    matched = match_pairs(couples, "one-to-one")
    assert (matched["filter"] == matched["match"]).mean() > 0.95
    first = match_pairs(couples[:1], "nearest", first=True)
    assert set(first["layer"]) == {"conv1"} and len(first) == 24


def test_filters_correspond_where_networks_were_not_trained_apart():
    s, rng = bank(12), np.random.default_rng(0)
    near = record(s + 0.3 * s.std() * rng.normal(size=s.shape), "R", "robust")
    apart = record(s[rng.permutation(12)], "R", "robust")
    assert correspond([record(s), near])
    assert not correspond([record(s), apart])
    assert not correspond([record(s)]), "no pair"


def test_differences_have_the_sign_of_the_paper():
    rough, smooth = bank(), bank() / 4
    tv = filter_tv(kernels([record(rough), record(smooth, "R", "robust")]))
    matched = with_tv(match(record(rough), record(smooth, "R", "robust"), "index"), tv)
    assert (matched["difference"] > 0).all(), "TV of S less TV of R: positive where R is smoother"
    assert matched["tv_match"].tolist() == pytest.approx((matched["tv"] / 4).tolist())


@pytest.mark.parametrize(
    "p, corrected",
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # Holm's own example, by hand
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_holm(p, corrected):
    assert holm(np.array(p)).tolist() == pytest.approx(corrected)


# --- filters as images ----------------------------------------------------------------------------


def test_a_network_that_sees_bgr_shows_its_filters_as_rgb():
    weights = bank()
    plain = record(weights)
    turned = Network("B", lambda: normalised(plain.build(), bgr=True), dataset="pictograms")
    assert filter_bank(plain) == pytest.approx(weights, abs=1e-6)
    assert filter_bank(turned) == pytest.approx(weights[:, ::-1], abs=1e-6)


def test_a_network_over_grey_has_no_filters_over_colours():
    def build():
        return nn.Sequential(Grey(), nn.Conv2d(1, 4, 3))

    class Grey(nn.Module):
        def forward(self, x):
            return x.mean(1, keepdim=True)

    with pytest.raises(ValueError, match="first convolution of G has 1 inputs, not 3 colours"):
        filter_bank(Network("G", build, dataset="pictograms"))


def test_filters_are_shown_with_zero_grey_and_each_on_its_own_scale():
    weights = np.zeros((2, 3, 2, 2))
    weights[0, 0, 0, 0], weights[1, :, 1, 1] = 8.0, -0.01
    network = record(weights)
    figure = figures.filter_banks({"S": weights}, [network])
    (axis,) = figure.axes
    shown = np.asarray(axis.images[0].get_array())
    assert axis.get_title() == "S" and shown.shape == (2, 5, 3)
    assert shown[0, 0].tolist() == [1, 0.5, 0.5], "the largest red"
    assert shown[1, 4].tolist() == [0, 0, 0], "the lowest in all colours"
    assert (shown[:, 2] == 1).all(), "white between them"


def test_over_a_matched_pair_stand_its_number_correlation_and_difference():
    table = pd.DataFrame({"network": "S", "other": "R", "filter": [1], "match": [0],
                          "r": [0.927], "difference": [-1.26]})  # fmt: skip
    banks = {"S": bank(), "R": bank(seed=3)}
    axis = figures.matched_filters(table, banks, per_row=1).axes[0]
    assert axis.get_title() == "1: r 0.93\n-1.3"
    assert [t.get_text() for t in axis.texts] == ["S", "R"]


# --- real weights ---------------------------------------------------------------------------------


def test_squeezenets_real_filters_are_smoother_and_more_varied_than_random_ones():
    if not WEIGHTS.exists():
        pytest.skip(f"no real weights at {WEIGHTS}")
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.S)[1]
    scope = {}
    exec(re.split(r"^register\(", code, flags=re.M)[0], scope)
    facts = {"build": scope["build"], "dataset": "imagenet"}
    real = Network(name="SqueezeNet", checkpoint=WEIGHTS, **facts)
    torch.manual_seed(0)
    untrained = scope["build"]()
    table = kernels([real, Network("untrained", lambda: untrained, dataset="imagenet")])
    assert table.groupby("network")["convolution"].nunique().tolist() == [26, 26]
    relative = filter_tv(table, Definition(relative=True))
    first = relative[relative["layer"] == "network.features.0"].groupby("network")["value"]
    assert len(filter_bank(real)) == 64
    assert first.mean()["SqueezeNet"] < first.mean()["untrained"]
    assert first.std()["SqueezeNet"] > 2 * first.std()["untrained"], "blobs beside fine stripes"
