"""What notebook 05's verdicts rest on: planted differences of kernels, maps and noise are found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.filters import bank, record

from shapebias_utils import claims
from shapebias_utils.claims import smoothness as ledger
from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures.evidence import smoothness as evidence
from shapebias_utils.measures.statistics import outcomes

DATA = get_dataset("pictograms")
N = 6


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)


def smooth(weights: np.ndarray, share: float) -> np.ndarray:
    """Filters closer to their own mean, as of a box, by that share."""
    return (1 - share) * weights + share * weights.mean((2, 3), keepdims=True)


def networks(robust: np.ndarray, control: np.ndarray | None = None, s: np.ndarray | None = None):
    s = bank(16, seed=1) if s is None else s
    found = [record(s), record(robust, "R", "robust")]
    return found + ([] if control is None else [record(control, "C", "control")])


def test_smoother_filters_that_correspond_are_found_in_pairs():
    s = bank(16, seed=1)
    wiggled = s + 0.05 * np.random.default_rng(2).normal(size=s.shape)
    observed = evidence.observations(networks(smooth(s, 0.3), wiggled), DATA, N)
    effects = evidence.compared(observed)
    verdicts = effects.assign(verdict=outcomes(effects, -1)).set_index(["quantity", "against"])
    for quantity in (evidence.KERNEL, evidence.RELATIVE, "kernel TV: conv1"):
        for against in ("standard", "control"):
            row = verdicts.loc[(quantity, against)]
            assert (row["verdict"], row["n"]) == ("reproduced", 16)
    kernel = verdicts.loc[("kernel TV", "standard")]
    assert kernel["effect"] == pytest.approx(-0.3 * kernel["versus"], rel=1e-5)
    noise = verdicts.loc[("noise / signal: conv1", "standard")]
    assert noise["verdict"] == "reproduced" and noise["n"] == N, "on the same images"
    assert verdicts.loc[("TV changed by noise: conv1", "standard"), "n"] == 16


def test_without_a_difference_nothing_is_decided():
    s = bank(24, seed=1)
    other = s + 0.05 * np.random.default_rng(4).normal(size=s.shape) * np.abs(s).mean()
    found = evidence.compared(evidence.observations(networks(other, s=s), DATA, N))
    kernels = found[found["quantity"].str.startswith("kernel")]
    assert set(outcomes(kernels, -1)) == {"undecided"} and len(kernels) == 4


def test_networks_trained_apart_are_not_compared_in_pairs():
    s = bank(16, seed=1)
    shuffled = smooth(s, 0.3)[np.random.default_rng(3).permutation(16)]
    paired = evidence.compared(evidence.observations(networks(smooth(s, 0.3)), DATA, N))
    observed = evidence.observations(networks(shuffled), DATA, N)
    apart = evidence.compared(observed)
    rows = [t.set_index("quantity").loc["kernel TV"] for t in (paired, apart)]
    assert rows[0]["effect"] == pytest.approx(rows[1]["effect"])
    assert rows[1]["high"] - rows[1]["low"] > 2 * (rows[0]["high"] - rows[0]["low"])
    assert observed["unit"].str.startswith("R ").any()
    noise = apart.set_index("quantity").loc["noise / signal: conv1"]
    assert noise["n"] == N, "images correspond all the same"


def test_a_quantity_is_a_ratio_of_what_is_summed():
    found = evidence.observations(networks(bank(16)), DATA, N)
    assert (
        list(found) == evidence.COLUMNS
        and not found.duplicated(["quantity", "network", "unit"]).any()
    )
    noise = found[found["quantity"] == "noise / signal: conv1"]
    assert set(noise["unit"]) == set(evidence.drawn(DATA, N).table["imagename"])
    assert (found.loc[found["quantity"].str.startswith("kernel"), "weight"] == 1).all()


def test_the_claims_are_about_quantities_that_are_observed():
    effects = evidence.compared(evidence.observations(networks(bank(16)), DATA, N))
    assert {claim.quantity for claim in ledger.CLAIMS} <= set(effects["quantity"])
    judged = claims.judged("05", "pictograms", effects)
    assert "not tested" not in set(judged["verdict"])
    assert len(judged) == len(ledger.CLAIMS), "one architecture, no control"


def test_one_seed_does_not_see_the_other():
    first = networks(bank(16))
    both = [*first, *(replace(network, seed=1) for network in first)]
    found = evidence.compared(evidence.observations(both, DATA, N)).set_index("quantity")
    assert (found["seeds"] == 2).all()
    assert pd.notna(found["effect"]).all()
