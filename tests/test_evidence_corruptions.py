"""What notebook 08's verdicts rest on: accuracies image by image, and frequencies beside them."""

import numpy as np
import pandas as pd
import pytest

from shapebias_utils import claims
from shapebias_utils.claims import corruptions as ledger
from shapebias_utils.datasets import get_dataset
from shapebias_utils.distortions.imagenet_c import CORRUPTIONS, MAIN
from shapebias_utils.measures import corruptions
from shapebias_utils.measures.evidence import corruptions as evidence
from shapebias_utils.networks import Network

DATA = get_dataset("pictograms")
SPECTRA = pd.DataFrame({"distortion": list(CORRUPTIONS), "high": np.linspace(0.9, 0.01, 19)})
ABOUT = {"architecture": "AlexNet", "seed": 0}


def trials(share: dict[str, dict[str, float]], n: int = 60) -> pd.DataFrame:
    """Networks by training: right on that share of the images under each corruption."""
    tables = []
    for training, shares in share.items():
        for name, part in shares.items():
            right = np.arange(n) < round(part * n)
            facts = ABOUT | {"network": training, "training": training, "distortion": name}
            images = [f"{i}.png" for i in range(n)]
            tables += [
                pd.DataFrame({"imagename": images, "correct": right, "level": level}).assign(
                    **facts
                )
                for level in (1, 2)
            ]
    return pd.concat(tables, ignore_index=True)


S = dict.fromkeys(CORRUPTIONS, 0.5)
R = S | {
    "gaussian_noise": 0.8,
    "shot_noise": 0.8,
    "impulse_noise": 0.8,
    "fog": 0.1,
    "contrast": 0.1,
}


@pytest.fixture(scope="module")
def effects():
    found = trials({"standard": S, "robust": R, "control": S})
    return evidence.compared(evidence.accuracies(found, DATA, SPECTRA))


def test_accuracies_of_kinds_and_means_are_those_of_their_corruptions(effects):
    value = effects[effects["against"] == "standard"].set_index("quantity")["value"]
    assert value["accuracy: noise"] == pytest.approx(0.8)
    assert value["accuracy: weather"] == pytest.approx((0.1 + 3 * 0.5) / 4)
    assert value["accuracy: mean of 15"] == pytest.approx(np.mean([R[k] for k in MAIN]), abs=1e-9)
    assert set(effects["chance"].dropna()) == {1 / 16}
    assert (effects["n"].iloc[:-2] == 60).all(), "an image counts once, whatever its severities"


def test_the_claims_are_about_quantities_that_are_observed(effects):
    assert {claim.quantity for claim in ledger.CLAIMS} <= set(effects["quantity"])
    judged = claims.judged("08", "pictograms", effects).set_index(["claim", "against"])["verdict"]
    for against in ("standard", "control"):
        for claim in ("08_noise", "08_contrast", "08_fog"):
            assert judged[claim, against] == "reproduced"
        assert judged["08_blur", against] == "undecided", "no difference at all"
        assert judged["08_mean", against] in ("undecided", "reversed"), "R gains on average here"


def test_networks_at_chance_have_no_verdict():
    lost = dict.fromkeys(CORRUPTIONS, 1 / 20)
    found = trials({"standard": lost, "robust": lost | {"fog": 0.0}})
    effects = evidence.compared(evidence.accuracies(found, DATA, SPECTRA))
    judged = claims.judged("08", "pictograms", effects).set_index("claim")["verdict"]
    assert judged["08_fog"] == judged["08_noise"] == "at chance"


@pytest.mark.parametrize("asked, kept, expected", [(0, (7, 7), 7), (3, (7, 7), 3), (0, (7, 0), 40)])
def test_as_many_images_as_are_kept_of_every_network(monkeypatch, asked, kept, expected):
    names = [f"{i}.png" for i in range(150)]
    clean = pd.DataFrame({"architecture": "A", "imagename": names, "correct": True})
    rows = [(network, name) for network, n in zip("AB", kept, strict=True) for name in names[:n]]
    table = pd.DataFrame(rows, columns=["network", "imagename"])
    monkeypatch.setattr(evidence, "kept_trials", lambda *a: table)
    monkeypatch.setattr(evidence, "collect", lambda networks, images: clean)
    networks = [Network(name, None, architecture="A") for name in "AB"]
    assert len(evidence.subsets(networks, DATA, asked)["A"]) == expected


def test_the_study_keeps_what_the_notebook_asks_for():
    assert corruptions.IMAGES[0] >= 400 and set(corruptions.IMAGES) == {0, 1, 2}
