"""Frequencies of corruptions, and whether a gain follows them: against cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.measures import corruption_spectra
from shapebias_utils.measures.corruption_spectra import (
    FOLLOWS,
    by_corruption,
    gain_by_frequency,
    high_shares,
)

SIZE = 32
ALONG = torch.arange(SIZE)


def waves(cycles: float) -> torch.Tensor:
    """A change of that many cycles along a row, in all colours."""
    return 0.1 * torch.cos(2 * torch.pi * cycles * ALONG / SIZE).expand(3, SIZE, SIZE)


CHANGES = {
    "low": lambda x: x + waves(4),  # an eighth of a cycle a pixel
    "high": lambda x: x + waves(12),  # three eighths
    "both": lambda x: x + waves(4) + 2 * waves(12),  # energies 1 : 4
    "nothing": lambda x: x,
}


@pytest.fixture
def measured(monkeypatch):
    base = torch.full((3, 3, SIZE, SIZE), 0.5)
    table = pd.DataFrame({"imagename": ["a", "b", "c"], "label": 0, "category": ""})
    images = ImageSet("grey", table, lambda rows: base[list(rows)], "grey")

    def corrupted(dataset, images, name, seed):
        levels = pd.concat([table.assign(level=level) for level in (1, 2)], ignore_index=True)
        return ImageSet(name, levels, lambda rows: CHANGES[name](base[[r % 3 for r in rows]]), name)

    monkeypatch.setattr(corruption_spectra, "corrupted", corrupted)
    return high_shares(get_dataset("pictograms"), images, tuple(CHANGES))


def test_the_share_of_high_frequencies_of_known_waves(measured):
    assert measured["level"].tolist() == [1, 2] * 4 and (measured["n"] == 3).all()
    shares = by_corruption(measured)
    assert list(shares.index[:2]) == ["high", "both"], "the highest first"
    assert shares.to_dict() == pytest.approx({"low": 0, "high": 1, "both": 0.8, "nothing": 0},
                                             abs=1e-6)  # fmt: skip
    change = measured.groupby("distortion")["change"].first()
    assert change["low"] == pytest.approx(0.1 / 2**0.5, rel=1e-4), "root mean square of a wave"
    assert change["nothing"] == 0


def test_real_corruptions_stand_in_the_order_of_the_literature():
    """Yin et al., Fig. 6: noise is high, fog and brightness are low."""
    data = get_dataset("pictograms")
    images = data.images("validation").subset(range(4), "four")
    names = ("fog", "gaussian_noise", "brightness", "impulse_noise")
    shares = by_corruption(high_shares(data, images, names))
    assert set(shares.index[:2]) == {"gaussian_noise", "impulse_noise"}
    assert shares["gaussian_noise"] == pytest.approx(0.8, abs=0.06), "nearly white, but clipped"
    assert shares["fog"] < 0.1 and shares["brightness"] < 0.1


def trials(gains, n=300, seed=0, network_seed=0):
    """S right on half of the images whatever the corruption, R on as many more as it gains."""
    rng, tables = np.random.default_rng(seed), []
    for name, gain in gains.items():
        hard = rng.random(n)
        for training, share in (("standard", 0.5), ("robust", 0.5 + gain)):
            facts = {"network": training, "architecture": "A", "training": training}
            facts |= {"seed": network_seed, "distortion": name}
            images = [f"{i}.png" for i in range(n)]
            tables.append(
                pd.DataFrame({"imagename": images, "correct": hard < share}).assign(**facts)
            )
    return pd.concat(tables, ignore_index=True)


KINDS = [f"c{i}" for i in range(15)]
SHARES = pd.DataFrame({"distortion": KINDS, "high": np.linspace(0, 1, 15)})


@pytest.mark.parametrize("slope, sign", [(0.8, 1), (-0.8, -1)])
def test_a_planted_slope_is_found(slope, sign):
    gains = dict(zip(KINDS, slope * (np.linspace(0, 1, 15) - 0.5), strict=True))
    (row,) = gain_by_frequency(trials(gains), SHARES).itertuples()
    assert (row.quantity, row.against, row.n, row.seeds) == (FOLLOWS, "standard", 15, 1)
    assert sign * row.effect > 0.95 and sign * row.low > 0 and sign * row.high > 0
    assert row.p_holm < 0.05


def test_without_a_slope_it_is_scipys_correlation_and_undecided():
    gains = dict(zip(KINDS, np.random.default_rng(3).normal(0, 0.1, 15), strict=True))
    found = trials(gains)
    (row,) = gain_by_frequency(found, SHARES).itertuples()
    means = found.groupby(["training", "distortion"])["correct"].mean()
    change = (means["robust"] - means["standard"])[KINDS]
    assert row.effect == pytest.approx(spearmanr(SHARES["high"], change)[0])
    assert row.low < 0 < row.high and row.p_holm > 0.05


def test_several_seeds_are_averaged_and_too_few_corruptions_left_out():
    gains = dict(zip(KINDS, 0.8 * (np.linspace(0, 1, 15) - 0.5), strict=True))
    several = pd.concat([trials(gains, seed=s, network_seed=s) for s in (0, 1)])
    (row,) = gain_by_frequency(several, SHARES).itertuples()
    assert row.seeds == 2 and row.effect > 0.95
    few = several[several["distortion"].isin(KINDS[:2])]
    assert gain_by_frequency(few, SHARES).empty
    assert gain_by_frequency(several[several["training"] == "robust"], SHARES).empty
