"""What notebook 06 observes and claims: quantities, effects, verdicts, on made channels."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_calibration import blobs, concepts_of, smooth
from test_dissection import Echo

from shapebias_utils import claims
from shapebias_utils.measures.evidence import dissection as evidence
from shapebias_utils.networks import Network
from shapebias_utils.tables import dissection as tables

NETWORKS = [
    Network(name, Echo, architecture="Echo", training=training, layers={"map": "map"})
    for name, training in (("S", "standard"), ("R", "robust"), ("C", "control"))
]


@pytest.fixture
def data(monkeypatch, tmp_path):
    """Two labellings of 120 images, in the second of which what was object 3 is another part."""
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    rng = np.random.default_rng(0)
    planes, maps = blobs(rng, 120), smooth(rng, 120, 12)
    maps[:, :4] += 9 * (planes == 3)  # four channels see object 3
    first = replace(concepts_of(maps, planes), wears={"c3": ("c9",)})
    second = concepts_of(maps, np.where(planes == 3, 5, planes))
    second = replace(second, images=replace(second.images, name="other"), label_digest="l2")
    sets = {"broden_like": lambda: first, "cue_conflict": lambda: second}
    return SimpleNamespace(name="made", concept_sets=sets, factorial=None, concepts=None)


def test_quantities_are_counts_of_labels(data):
    seen = evidence.observations(NETWORKS, data)
    assert not seen.duplicated(["quantity", "network", "unit"]).any()
    sums = seen[seen["network"] == "S"].groupby("quantity")[["value", "weight"]].sum()
    assert sums.loc["detectors: object", "value"] in (4, 5)  # and perhaps one by chance
    assert (sums.loc[["channels: object", "channels: part"], "weight"] == 12).all()
    assert sums.loc[["channels: object", "channels: part"], "value"].sum() == 12
    read = sums.loc["object channels that read its texture"]
    assert read["value"] == 0 and read["weight"] >= 4, "they read another part"
    assert "variance by shape" not in sums.index


def test_networks_that_are_the_same_do_not_differ(data):
    effects = evidence.compared(evidence.observations(NETWORKS, data))
    known = effects["effect"].notna()
    assert (effects.loc[known, "effect"] == 0).all() and set(effects["against"]) == {
        "standard", "control",
    }  # fmt: skip
    judged = claims.judged("06", "made", effects)
    assert set(judged["verdict"]) == {"undecided", "not tested"}
    shown = tables.quantities(effects)
    assert shown.loc[("channels: object", "Echo"), "R"].startswith("0.")
    assert not shown["S"].str.endswith("*").any()


def test_a_network_that_nothing_is_held_against_has_no_effects(data):
    alone = evidence.observations([replace(NETWORKS[0], training="own")], data)
    effects = evidence.compared(alone)
    assert len(alone) and effects.empty
    assert set(claims.judged("06", "made", effects)["verdict"]) == {"not tested"}


def test_what_stylized_images_bring_is_held_against_s_and_the_finetuned_network(data, monkeypatch):
    """SIN decides all images by shape, the others none; as made, all have the same channels."""
    styled = [replace(NETWORKS[0], name=n, training=n.lower()) for n in ("SIN", "SIN-IN")]

    def collect(networks, images):
        tables = []
        for network in networks:
            said = "cat" if network.name == "SIN" else "dog"
            table = pd.DataFrame({"imagename": [f"cat{i}-dog{i}.png" for i in range(50)]})
            table = table.assign(network=network.name, architecture="Echo", seed=0)
            tables.append(table.assign(training=network.training, object_response=said))
        return pd.concat(tables, ignore_index=True)

    monkeypatch.setattr(evidence, "with_regimes", lambda known, trainings: [*known, *styled])
    monkeypatch.setattr(evidence, "collect", collect)
    data.images = lambda split: split
    effects = evidence.compared(evidence.observations(NETWORKS, data))
    judged = claims.judged("06", "made", effects).set_index(["claim", "against"])
    for against in ("standard", "sin-in"):
        assert judged.loc[("stylized_shape_bias", against), "verdict"] == "reproduced"
        assert judged.loc[("stylized_shape_bias", against), "effect"] == 1
        assert judged.loc[("stylized_fewer_object_channels", against), "verdict"] == "undecided"
    shown = tables.quantities(effects)
    assert shown.loc[("shape bias", "Echo"), "R"].startswith("0.000"), "R's row is not SIN's"


def test_figure_6_shows_what_the_verdicts_rest_on_and_networks_that_nothing_is_held_against():
    facts = {"architecture": "Echo", "training": "robust", "n": 40, "value": 0.5, "versus": 0.25}
    facts |= {"value_low": 0.4, "value_high": 0.6, "versus_low": -0.1, "versus_high": 0.3}
    rows = [facts | {"quantity": "channels: color", "against": a} for a in ("standard", "control")]
    rows.append(rows[0] | {"training": "sin", "value": 0.75})
    rows.append(rows[0] | {"quantity": "detectors: color", "value": 0.9})
    effects = pd.DataFrame(rows).assign(seeds=3)
    about = {"network": "own", "architecture": "Other", "training": "own", "seed": 0}
    labels = pd.DataFrame({"layer": "a", "unit": range(4), "value": [1, 1, 1, 0]})
    labels = labels.assign(category="color", drawn=["1", "1", "1", "0"], **about)
    found = tables.counts(effects, labels).set_index(["architecture", "training"])
    assert found["count"].to_dict() == {
        ("Echo", "robust"): 20, ("Echo", "standard"): 10, ("Echo", "control"): 10,
        ("Echo", "sin"): 30, ("Other", "own"): 3,
    }  # fmt: skip
    assert found.loc[("Echo", "standard"), ["low", "high", "seeds"]].tolist() == [0, 0.3, 3]
    shown = tables.figure7(found.reset_index())
    assert shown["training"].tolist() == ["robust", "standard", "sin"]
    assert len(tables.figure7(shown[shown["training"] != "sin"])) == 2


def test_every_claim_is_about_a_quantity_that_is_observed(data):
    seen = {*evidence.observations(NETWORKS, data)["quantity"]}
    made = {"channels: color", "channels: texture", "channels on cue conflict: texture"}
    made |= {"variance by texture", "variance by colour"}  # of labels that the made images lack
    made |= {"shape bias"}  # where networks were trained on stylized images
    assert {claim.quantity for claim in claims.claims("06")} <= seen | made


def test_a_folder_is_the_only_labelling(data):
    data.concepts = lambda folder: folder
    assert evidence.labellings(data, "my folder") == {"broden": "my folder"}
    assert list(evidence.labellings(data, n_images=7)) == ["broden_like", "cue_conflict"]
    assert {len(own) for own in evidence.labellings(data, n_images=7).values()} == {7}
