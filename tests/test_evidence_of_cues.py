"""What the claims of 03 and 04 rest on: observations by hand, and verdicts that follow."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shapebias_utils import claims
from shapebias_utils.datasets import Dataset, get_dataset
from shapebias_utils.measures import distorted, evidence
from shapebias_utils.measures.evidence import cue_conflict, distortions
from shapebias_utils.measures.shape_bias import shape_bias
from shapebias_utils.measures.statistics import levels

KINDS = {"standard": "A", "robust": "A-R", "control": "A-control"}


def conflict_trials(networks=(), images=None, decision="mean") -> pd.DataFrame:
    """240 stimuli; S gives 60 to shape, 120 to texture, R 150 and 40, the control as S does."""
    tables = []
    for training, (shape, texture) in {"standard": (60, 120), "robust": (150, 40),
                                       "control": (60, 120)}.items():  # fmt: skip
        said = ["cat"] * shape + ["dog"] * texture + ["oven"] * (240 - shape - texture)
        table = pd.DataFrame({"imagename": [f"cat{i}-dog{i}.png" for i in range(240)]})
        table = table.assign(object_response=said, network=KINDS[training], architecture="A")
        tables.append(table.assign(training=training, seed=0, confidence=1.0))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def conflicts(monkeypatch):
    monkeypatch.setattr(cue_conflict, "collect", conflict_trials)
    monkeypatch.setattr(cue_conflict, "read_stimuli", lambda data, folder: None)
    return cue_conflict.observations([], get_dataset("pictograms"))


def test_observed_levels_are_the_shape_bias_and_its_shares(conflicts):
    found = levels(conflicts).set_index(["quantity", "training"])["value"]
    bias = shape_bias(conflict_trials()).set_index("training")["shape_bias"]
    for training, (shape, texture) in {"standard": (60, 120), "robust": (150, 40)}.items():
        assert found["shape bias", training] == bias[training] == shape / (shape + texture)
        assert found["given shape's category", training] == shape / 240
        assert found["given texture's category", training] == texture / 240
        assert found["decided by a cue", training] == (shape + texture) / 240


def test_claims_of_03_are_judged_against_s_the_control_and_one_half(conflicts):
    judged = claims.judged("03", "pictograms", cue_conflict.compared(conflicts))
    found = judged.set_index(["claim", "against"])["verdict"]
    assert set(found.index) == {
        ("shape_bias", "standard"), ("shape_bias", "control"), ("standard_by_texture", "0.5"),
        ("robust_by_shape", "0.5"), ("reads_shape_better", "standard"),
        ("reads_shape_better", "control"), ("reads_texture_less", "standard"),
        ("reads_texture_less", "control"), ("order_of_shape_bias", "standard"),
        *ADVPROP_STEPS,
    }  # fmt: skip
    untested = found.index.isin([("order_of_shape_bias", "standard"), *ADVPROP_STEPS])
    assert (found[~untested] == "reproduced").all()
    assert (found[untested] == "not tested").all(), "as long as there is no AdvProp"


ADVPROP_STEPS = (
    ("advprop_pgd1_shape_bias", "standard"),
    ("advprop_pgd5_shape_bias", "advprop-pgd1"),
    ("robust_above_advprop", "advprop-pgd5"),
)


def biases(levels: dict[str, float]) -> pd.DataFrame:
    """400 images, all decided by a cue: each training gives this share of them to shape."""
    rows = []
    for training, share in levels.items():
        table = pd.DataFrame({"unit": [f"{i}" for i in range(400)], "weight": 1.0})
        table = table.assign(value=(np.arange(400) < share * 400).astype(float), chance=np.nan)
        about = {"network": f"A {training}", "architecture": "A", "training": training, "seed": 0}
        rows.append(table.assign(quantity="shape bias", **about))
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize(
    ("levels_", "steps", "order"),
    [
        ((0.2, 0.3, 0.4, 0.8), ("reproduced",) * 3, "reproduced"),
        ((0.2, 0.4, 0.3, 0.8), ("reproduced", "reversed", "reproduced"), "reversed"),
        ((0.2, 0.3, 0.3, 0.8), ("reproduced", "undecided", "reproduced"), "undecided"),
        ((0.2, 0.2, 0.1, 0.8), ("undecided", "reversed", "reproduced"), "reversed"),
    ],
)
def test_an_order_holds_if_each_of_its_steps_does(levels_, steps, order):
    found = biases(dict(zip(cue_conflict.ORDER, levels_, strict=True)))
    effects = cue_conflict.compared(found)
    judged = claims.judged("03", "pictograms", effects).set_index(["claim", "against"])["verdict"]
    assert tuple(judged[list(ADVPROP_STEPS)]) == steps
    assert judged["order_of_shape_bias", "standard"] == order
    row = effects[effects["quantity"] == cue_conflict.LEAST_STEP].iloc[0]
    assert row["effect"] == pytest.approx(np.diff(levels_).min())
    assert (row["value"], row["versus"]) == (levels_[-1], levels_[0])
    assert row["low"] <= row["effect"] <= row["high"]


def test_the_order_is_not_judged_where_a_network_of_it_is_missing():
    found = biases({"standard": 0.2, "advprop-pgd1": 0.3, "robust": 0.8})
    quantities = set(cue_conflict.compared(found)["quantity"])
    assert cue_conflict.LEAST_STEP not in quantities


def distorted_trials() -> pd.DataFrame:
    """Images a to d as they are, in two scrambles, and silhouettes of a and b."""
    right = {  # (training, distortion, level) -> which are labelled correctly
        ("standard", "real", 1): "abc", ("robust", "real", 1): "bcd", ("control", "real", 1): "a",
        ("standard", "scramble", 2): "ab", ("standard", "scramble", 4): "b",
        ("robust", "scramble", 2): "c", ("robust", "scramble", 4): "",
        ("control", "scramble", 2): "d", ("control", "scramble", 4): "b",
        ("standard", "silhouette", 1): "a", ("robust", "silhouette", 1): "b",
        ("control", "silhouette", 1): "",
    }  # fmt: skip
    rows = [
        {"network": KINDS[t], "architecture": "A", "training": t, "seed": 0, "imagename": name,
         "distortion": d, "level": level, "correct": name in names, "eps": 0.0}
        for (t, d, level), names in right.items()
        for name in ("ab" if d == "silhouette" else "abcd")
    ]  # fmt: skip
    return pd.DataFrame(rows)


DATA = Dataset("d", "", 8, 10, {"cat": (0, 1), "dog": (2,)}, None, None, ())


def test_distorted_images_are_observed_all_and_those_that_s_and_r_label_correctly():
    table = distortions.of_trials(distorted_trials(), DATA)
    found = levels(table).set_index(["quantity", "training"])
    scrambled = found.loc["accuracy: scramble"]
    assert scrambled["value"].to_dict() == {"standard": 3 / 8, "robust": 1 / 8, "control": 2 / 8}
    assert (scrambled["n"] == 4).all(), "an image with all its levels is one unit"
    kept = found.loc["accuracy, correctly labelled: scramble"]  # b and c
    assert kept["value"].to_dict() == {"standard": 2 / 4, "robust": 1 / 4, "control": 1 / 4}
    assert found.loc[("accuracy, correctly labelled: silhouette", "robust"), "value"] == 1
    chance = table.groupby("quantity")["chance"].first()
    assert chance["accuracy: scramble"] == 1 / 10
    assert chance["accuracy: silhouette"] == pytest.approx((0.2 + 0.1) / 2)


def test_quantities_have_the_names_of_the_papers_columns_whichever_way_they_were_made():
    trials = distorted_trials().replace(
        {"distortion": {"scramble": "scramble_paper", "silhouette": "black_and_white_untraced"}}
    )
    found = set(distortions.of_trials(trials, DATA)["quantity"])
    wanted = {c.quantity for c in claims.claims("04")}
    assert {"accuracy, correctly labelled: scramble",
            "accuracy, correctly labelled: black_and_white"} <= found & wanted  # fmt: skip


def test_one_cue_alone_is_the_accuracy_on_all_images_in_the_order_asked_for():
    right = {("real", 1): [1, 1, 1, 0], ("flat", 1): [1, 0, 0, 0], ("outline", 1): [1, 1, 0, 0],
             ("scramble", 2): [0, 0, 0, 0], ("flat", 2): [1, 1, 1, 1]}  # fmt: skip
    about = {"network": "S", "architecture": "A", "training": "standard", "seed": 0}
    rows = [
        {**about, "distortion": name, "level": level, "imagename": str(i), "correct": bool(hit)}
        for (name, level), hits in right.items()
        for i, hit in enumerate(hits)
    ]
    table = distorted.cues_alone(pd.DataFrame(rows), ["outline", "flat"])
    assert table["rendition"].tolist() == ["real", "outline", "flat"]
    assert table["accuracy"].tolist() == [0.75, 0.5, 0.25] and (table["n"] == 4).all()


def test_images_are_whole_ones_and_every_rendition_is_measured():
    data = get_dataset("pictograms")
    whole = distortions.whole_images(data)
    assert len(whole) == 770 and whole.table["whole"].all()
    assert len(distortions.whole_images(data, 20)) == 20
    levels_ = distortions.levels(data)
    assert levels_["scramble"] == (2, 4, 8) and set(data.renditions) <= set(levels_)
    assert levels_["silhouette_low"] == (1,)
    missing = distortions.levels(replace(data, renditions={}), ("scramble", "stylized"))
    assert set(missing) <= {"scramble", "stylized"}


@pytest.mark.parametrize("notebook", ["01", "02", "03", "04"])
def test_every_claim_is_about_a_quantity_that_its_notebook_can_observe(notebook, conflicts):
    quantities = {c.quantity for c in claims.claims(notebook)}
    assert quantities and all(c.notebook == notebook for c in claims.claims(notebook))
    assert notebook in evidence.EVIDENCE
    if notebook == "03":
        assert quantities - {cue_conflict.LEAST_STEP} <= set(conflicts["quantity"])
    if notebook == "04":
        names = {q.split(": ")[1] for q in quantities}
        known = {*distortions.levels(get_dataset("pictograms")), "black_and_white"}
        assert names <= known


def test_what_is_kept_over_seeds_is_not_shown_for_other_parameters(monkeypatch, conflicts):
    """`shown` takes the kept effects only where the observations are the usual ones."""
    kept = cue_conflict.compared(conflicts).assign(seeds=3)
    monkeypatch.setattr(evidence, "with_seeds", lambda notebook, data, found: kept)
    usual = evidence.shown("03", [], get_dataset("pictograms"), stimuli="", decision="mean")
    other = evidence.shown("03", [], get_dataset("pictograms"), stimuli="", decision="max")
    assert (usual["seeds"] == 3).all() and (other["seeds"] == 1).all()
    assert np.array_equal(usual["effect"], other["effect"])


def test_notes_hold_for_pictograms_alone():
    assert set(get_dataset("pictograms").notes) >= {"00", "01", "03", "04"}
    assert not get_dataset("imagenet").notes
