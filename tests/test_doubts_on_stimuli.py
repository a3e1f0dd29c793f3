"""The doubts on the published stimuli, where they lie at ../shared/data: else skipped."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from torch import nn
from torchvision.models import squeezenet1_1

from shapebias_utils import results
from shapebias_utils.datasets.cue_conflict import read_stimuli
from shapebias_utils.measures import psychometric
from shapebias_utils.measures.doubts import blur, consistency, stimuli
from shapebias_utils.measures.predictions import predict
from shapebias_utils.measures.schema import read_trials
from shapebias_utils.networks import Network
from shapebias_utils.networks.checkpoints import load_into
from shapebias_utils.networks.normalised import normalised
from shapebias_utils.paths import ROOT

SHARED = ROOT.parent / "shared" / "data"
there = pytest.mark.skipif(
    not (SHARED / "cue_conflict").is_dir(), reason="no published stimuli at ../shared/data"
)


def squeezenet(*before: nn.Module) -> Network:
    """SqueezeNet with Caffe's weights behind these layers."""

    def build():
        caffe = {"mean": (104, 117, 123), "std": (1, 1, 1), "scale": 255, "bgr": True}
        network = normalised(squeezenet1_1(), **caffe)
        load_into(network, SHARED / "networks" / "squeezenet1_1_caffe.pth")
        return nn.Sequential(*before, network)

    return Network("SqueezeNet", build, architecture="SqueezeNet")


@pytest.fixture
def some(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    images = read_stimuli(SHARED / "cue_conflict")
    return images.subset(range(0, len(images), 24), "some")


@there
@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_a_blur_before_squeezenet_is_the_same_as_blurred_stimuli(some, sigma):
    by_layer = predict(squeezenet(blur.Blur(sigma)), some)
    by_images = predict(squeezenet(), blur.low_passed(some, "blur", sigma))
    assert (by_layer["prediction"] == by_images["prediction"]).all()
    assert (by_layer["confidence"] == by_images["confidence"]).all()
    plain = predict(squeezenet(), some)
    assert (plain["confidence"] != by_images["confidence"]).all()


@there
def test_humans_among_themselves_by_cohens_table():
    trials = read_trials(SHARED / "trials")
    right = consistency.right_by_shape(trials)
    assert len(right) == 1200  # 80 of the 1,280 are no conflict
    ends = trials["imagename"].str.extract(r"_([a-z]+)(\d+)-([a-z]+)(\d+)\.png$")
    trials = trials.assign(shape=ends[0], texture=ends[2], image=ends.agg("-".join, axis=1))
    trials = trials[trials["shape"] != trials["texture"]]
    trials = trials.assign(right=trials["object_response"] == trials["shape"])
    wide = trials.pivot(index="image", columns="network", values="right")
    found = []
    for first, second in combinations(sorted(trials["network"].unique()), 2):
        counts = pd.crosstab(wide[first], wide[second]).to_numpy().astype(float)
        agreed = np.trace(counts) / counts.sum()
        expected = (counts.sum(0) * counts.sum(1)).sum() / counts.sum() ** 2
        found.append((agreed - expected) / (1 - expected))
    pairs = consistency.within(list(right.columns))
    (row,) = consistency.pairwise(right, {"humans": pairs}).itertuples()
    assert row.kappa == pytest.approx(np.mean(found)) and row.low < row.kappa < row.high
    kept = results.stored("imagenet", "error_consistency").set_index("group")
    ceiling = kept.loc[f"{stimuli.CEILING}, all stimuli"]
    assert ceiling["kappa"] == pytest.approx(row.kappa, abs=1e-5) and ceiling["n"] == 1200


@there
def test_the_curve_and_the_consistency_of_a_few_stimuli(some, tmp_path):
    photographs = some.subset(range(3), "three")
    photographs.table["label"] = 0
    table = stimuli.curves([squeezenet()], some, photographs)
    assert set(table["kind"]) == set(blur.KINDS) and (table["images"] == 3).all()
    people = stimuli.humans_and_networks([squeezenet()], some, SHARED / "trials", (0.0, 2.0))
    names = ["SqueezeNet with human", "SqueezeNet, blurred by 2 px with human"]
    assert (
        set(names) < set(people["group"]) and (people.set_index("group").loc[names, "n"] > 4).all()
    )


def test_what_is_kept_of_the_stimuli_says_what_it_is_of():
    for name in ("low_passed_stimuli", "error_consistency"):
        table = results.stored("imagenet", name)
        value = "shape_bias" if "shape_bias" in table else "kappa"
        assert len(table) > 3 and table["n"].min() > 100
        assert ((table["low"] <= table[value]) & (table[value] <= table["high"])).all()
        about = results.RESULTS / "imagenet" / f"{name}.csv.json"
        assert "texture-vs-shape" in about.read_text()
    trials = results.stored("imagenet", "hybrid_photographs")
    assert set(trials["level"]) == set(stimuli.CUTOFFS)
    (crossing,) = psychometric.balance(trials).itertuples()
    assert stimuli.CUTOFFS[0] < crossing.low < crossing.level and crossing.n == 47
