"""Routes to a shape bias: points, correlations, the comparisons, and how they are shown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from shapebias_utils import claims, figures
from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures import evidence, routes
from shapebias_utils.measures.evidence import routes as rests_on
from shapebias_utils.measures.statistics import levels
from shapebias_utils.networks import (
    ADVPROP,
    STYLIZED,
    get_network,
    network_names,
    with_regimes,
)
from shapebias_utils.tables import routes as tables
from shapebias_utils.training.recipes import PICTOGRAMS, regimes

TRAININGS = ("standard", "control", "robust", "advprop-pgd1", "advprop-pgd5", "sin")
BIAS = dict(zip(TRAININGS, (0.2, 0.22, 0.8, 0.3, 0.5, 0.9), strict=True))


def observed(trainings=TRAININGS, n=600) -> pd.DataFrame:
    """Each network decides the first share of the images by shape, and is right on half of them."""
    tables_ = []
    for training in trainings:
        about = {"network": f"ResNet {training}", "architecture": "ResNet", "training": training}
        for quantity in routes.COLUMNS:
            share = BIAS[training] if quantity == "shape bias" else 0.5
            unit = [f"{i}.png" for i in range(n)]
            value = (np.arange(n) < share * n).astype(float)
            table = pd.DataFrame({"unit": unit, "value": value, "weight": 1.0})
            tables_.append(table.assign(quantity=quantity, seed=0, **about))
    return pd.concat(tables_, ignore_index=True)


# --- measured -------------------------------------------------------------------------------------


def test_points_are_the_statistics_of_the_observation_table():
    found = observed()
    table = routes.points(found).set_index("training")
    assert table["shape_bias"].to_dict() == pytest.approx(BIAS)
    assert table[["clean", "adversarial", "corrupted", "noisy"]].eq(0.5).all(axis=None)
    own = levels(found[found["quantity"] == "shape bias"]).set_index("training")["value"]
    assert own.to_dict() == pytest.approx(BIAS)


def test_what_is_observed_is_what_the_networks_say(monkeypatch):
    """Three conflict images (by shape, by texture, by neither), and answers that are known."""
    data = get_dataset("pictograms")
    images = data.images("validation").subset(range(96), "validation")
    names = ["cat1-dog1.png", "cat2-dog2.png", "cat3-dog3.png", "cat4-cat4.png"]
    table = pd.DataFrame({"imagename": names, "label": -1})
    conflict = replace(images, name="cue_conflict", table=table)
    data = replace(data, images=lambda split: conflict if split == "cue_conflict" else images)
    asked = []

    def collect(networks, images, attacks=(None,), decision="mean"):
        asked.append((images.name, attacks, len(images)))
        own = images.table[["imagename"]].reset_index(drop=True)
        if images.name == "cue_conflict":
            own = own.assign(object_response=["cat", "dog", "bear", "cat"], correct=False)
        else:
            own = own.assign(object_response="cat", correct=np.arange(len(own)) % 4 == 0)
        about = {"network": "N", "architecture": "A", "training": "standard", "seed": 0}
        return own.assign(**about)

    def collect_each(networks, sets, by):
        tables = [collect(networks, own).assign(**{by[0]: key}) for key, own in sets.items()]
        return pd.concat(tables)

    monkeypatch.setattr(routes, "collect", collect)
    monkeypatch.setattr(routes, "collect_each", collect_each)
    found = routes.observations(["N"], data, clean=16, attacked=8, corrupted=4)
    assert not found.duplicated(["quantity", "network", "seed", "unit"]).any()
    sums = found.groupby("quantity")[["value", "weight"]].sum()
    assert sums.loc["shape bias"].tolist() == [1, 2], "of two decided by a cue, one by shape"
    assert sums.loc["accuracy: clean"].tolist() == [4, 16]
    assert sums.loc["accuracy: adversarial"].tolist() == [2, 8]
    assert sums.loc["accuracy: corrupted"].tolist() == [15, 60]
    assert sums.loc["accuracy: noise"].tolist() == [3, 12]
    attacked = [a for a in asked if a[1] != (None,)]
    assert attacked == [("validation_whole_objects_8", (data.attack,), 8)]
    assert sum("-" in name and "_4-" in name for name, *_ in asked) == 15


def test_whole_images_are_spread_over_the_set():
    data = get_dataset("pictograms")
    some = routes.whole_images(data, 40)
    assert len(some) == 40 and some.table["whole"].all()
    every = routes.whole_images(data)
    assert some.table["category"].nunique() >= 12 and len(every) > 700
    assert len(routes.whole_images(data, 10**6)) == len(every)


# --- correlations ---------------------------------------------------------------------------------


def cloud(n=30, seeds=2, noise=0.05) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = np.repeat(np.linspace(0, 1, n), seeds)
    return pd.DataFrame(
        {
            "network": np.repeat([f"n{i}" for i in range(n)], seeds), "architecture": "ResNet",
            "training": "standard", "seed": np.tile(range(seeds), n), "shape_bias": x,
            "clean": -x + noise * rng.standard_normal(n * seeds),
            "adversarial": x**3, "corrupted": rng.random(n * seeds), "noisy": 0.5,
        }
    )  # fmt: skip


def test_correlations_are_spearmans():
    points = cloud(noise=0.3)
    found = routes.correlations(points, draws=200).set_index(["x", "y"])
    for pair, row in found.iterrows():
        assert row["correlation"] == pytest.approx(spearmanr(*(points[c] for c in pair)).statistic)
        assert row["low"] <= row["correlation"] <= row["high"] and row["n"] == 60
    assert found.loc[("shape_bias", "adversarial"), "correlation"] == pytest.approx(1.0)
    assert found.loc[("shape_bias", "clean"), "high"] < 0
    low, high = found.loc[("shape_bias", "corrupted"), ["low", "high"]]
    assert low < 0 < high


def test_seeds_of_one_network_do_not_count_as_networks():
    """Ten copies of each make the interval no narrower."""
    points = cloud(n=12, seeds=1, noise=0.8)
    copies = pd.concat([points.assign(seed=i) for i in range(10)], ignore_index=True)
    pair = (("shape_bias", "clean"),)
    one, ten = (routes.correlations(p, pair, draws=2000).iloc[0] for p in (points, copies))
    assert ten["high"] - ten["low"] == pytest.approx(one["high"] - one["low"], rel=0.15)
    assert ten["n"] == 10 * one["n"]


def test_too_few_networks_have_no_correlation():
    found = routes.correlations(cloud(n=3))
    assert found["correlation"].isna().all()
    assert "too few networks" in tables.sentences(found)


# --- kept -----------------------------------------------------------------------------------------


def test_points_are_kept_until_the_weights_change(monkeypatch, tmp_path):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    measured, weights = [], {"AlexNet": "a" * 64, "ResNet": "b" * 64}

    def observations(networks, data):
        measured.extend(n.name for n in networks)
        table = observed(["standard"], n=20)
        tables_ = [table.assign(network=n.name, architecture=n.architecture) for n in networks]
        return pd.concat(tables_, ignore_index=True)

    monkeypatch.setattr(routes, "observations", observations)
    kind = type(get_network("AlexNet", "pictograms"))
    monkeypatch.setattr(kind, "checkpoint_hash", lambda self: weights[self.name])
    networks = [get_network(n, "pictograms") for n in weights]
    data = get_dataset("pictograms")
    routes.keep_points(networks, data)
    assert measured == ["AlexNet", "ResNet"]
    kept = routes.kept_points("pictograms")
    assert kept["network"].tolist() == ["AlexNet", "ResNet"] and "weights" not in kept
    weights["ResNet"] = "c" * 64
    assert routes.kept_points("pictograms")["network"].tolist() == ["AlexNet"]
    routes.keep_points(networks, data)
    assert measured == ["AlexNet", "ResNet", "ResNet"]
    assert len(routes.kept_points("pictograms")) == 2


def test_points_of_seeds_that_are_not_shipped_are_shown_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    monkeypatch.setattr(routes, "networks_there", lambda dataset, seeds: [])
    points = cloud(n=2, seeds=3).assign(weights="a" * 16)
    routes.store(points, "pictograms", "routes", {})
    pd.testing.assert_frame_equal(
        routes.kept_points("pictograms"), points.drop(columns="weights"), check_dtype=False
    )


def test_what_was_just_measured_comes_before_what_was_kept():
    now, kept = cloud(n=5, seeds=1), cloud(n=6, seeds=2)
    both = routes.with_kept(now, kept.assign(clean=9.0))
    assert len(both) == 12 and both["clean"].eq(9.0).sum() == 7


# --- compared and judged --------------------------------------------------------------------------


def test_every_regime_is_held_against_what_had_its_steps():
    of = PICTOGRAMS["ResNet"]
    further = regimes(of)
    for training, against in rests_on.COMPARED.items():
        recipe = {**of, **further}[training]
        own = "standard" if recipe.start is None else "control"
        assert own in against, training
        assert set(against) <= {*of, *further}


def test_claims_are_judged_by_the_rule():
    found = observed()
    better = (found["training"] == "advprop-pgd1") & (found["quantity"] == "accuracy: adversarial")
    found.loc[better & (found.index % 4 > 0), "value"] = 1.0
    judged = claims.judged("12", "pictograms", rests_on.compared(found))
    judged = judged.set_index(["claim", "against"])["verdict"]
    assert judged["advprop-adversarial", "standard"] == "reproduced"
    assert judged["advprop-clean", "standard"] == "undecided"
    assert judged["linf-shape-bias", "control"] == "not tested"


def test_each_claim_names_a_comparison_that_is_made():
    for claim in claims.claims("12"):
        assert claim.quantity in routes.COLUMNS and claim.figure == "03_routes"
        assert set(claim.against) <= set(rests_on.COMPARED[claim.training])


def test_the_notebook_has_its_evidence_and_claims():
    assert evidence.EVIDENCE["12"] == "routes" and claims.claims("12")


def test_regimes_are_added_where_their_weights_are(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.networks.CHECKPOINTS", tmp_path)
    (tmp_path / "pictograms").mkdir()
    (tmp_path / "pictograms/resnet_sin_seed0.safetensors").touch()
    (tmp_path / "pictograms/alexnet_noise_seed0.safetensors").touch()
    chosen = [get_network("ResNet", "pictograms")]
    assert [n.name for n in with_regimes(chosen)] == ["ResNet", "ResNet-SIN"]
    assert [n.name for n in with_regimes(chosen, "ResNet-AdvProp1")] == [
        "ResNet",
        "ResNet-AdvProp1",
    ]
    other_seed = [get_network("ResNet", "pictograms", 1)]
    assert [n.name for n in with_regimes(other_seed)] == ["ResNet"]
    assert [n.name for n in with_regimes(chosen, trainings=STYLIZED)] == ["ResNet", "ResNet-SIN"]
    assert with_regimes(chosen, trainings=ADVPROP) == chosen


# --- shown ----------------------------------------------------------------------------------------


def test_every_network_of_pictograms_is_described():
    networks = [get_network(n, "pictograms") for n in network_names("pictograms", further=True)]
    table = tables.regimes(networks, get_dataset("pictograms"))
    assert len(table) == len(networks)
    assert table.loc["ResNet-SIN"].tolist() == ["scratch, 12 epochs", "stylized", "none", ""]
    assert table.loc["ResNet-AdvProp1", "adversary"] == "L2 eps 0.833, 3 steps"
    assert table.loc["AlexNet-fgsm8", "adversary"] == "Linf 8/255, 1 step"
    twice = table.drop(index=[n for n in table.index if n.endswith("-aux")])
    alike = twice.assign(architecture=[n.split("-")[0] for n in twice.index]).duplicated()
    assert not alike.any(), "no two of an architecture read the same"


def test_sentences_say_only_what_the_interval_does():
    table = pd.DataFrame(
        {"x": "shape_bias", "y": ["clean", "adversarial", "corrupted"],
         "correlation": [-0.5, 0.6, 0.4], "low": [-0.8, 0.2, -0.1], "high": [-0.1, 0.9, 0.7],
         "n": 9}
    )  # fmt: skip
    first, second, third = tables.sentences(table).splitlines()
    assert "go against each other: -0.50" in first and "go together: 0.60" in second
    assert "are not shown to go together: 0.40 [-0.10, 0.70], 9 points" in third


def test_verdicts_are_a_row_a_comparison():
    judged = claims.judged("12", "pictograms", rests_on.compared(observed()))
    table = tables.verdicts(judged)
    assert len(table) == len(judged)
    assert table["verdict"].tolist() == judged["verdict"].tolist()


def test_the_figure_shows_every_point_and_what_is_published():
    points = cloud(n=5, seeds=1).assign(training=["standard", "robust", "sin", "L2 eps 1", "noise"])
    figure = figures.routes(points, routes.correlations(points))
    for axis, published in zip(figure.axes, ("-0.76", None, "-0.37"), strict=True):
        assert len(axis.get_lines()) == 5
        assert published is None or published in axis.get_title()
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels == [
        "standard",
        "robust",
        "SIN, SIN+IN",
        "smoothness, noise",
        "L2, other eps",
        "ResNet",
    ]
    empty = figures.routes(points.iloc[:0], routes.correlations(points.iloc[:0]))
    assert "No network" in "".join(t.get_text() for t in (*empty.texts, *empty.axes[0].texts))


def test_ours_stand_beside_the_papers_numbers():
    points = routes.points(observed()).assign(architecture="ResNet")
    table = tables.beside_paper(points)
    row = table.loc["ResNet advprop-pgd1"]
    assert row["shape bias", "ours"] == 30.0 and row["shape bias", "paper"] == 31.75
    assert row["under attack", "paper"] == 69.02
    assert table.loc["ResNet robust", ("clean", "paper")] == 57.90
    assert table.loc["ResNet sin", ("shape bias", "paper")] == 81.37
    assert table.loc["ResNet sin", ("clean", "paper")] == "–"
    assert "ResNet control" not in table.index
