"""Scores that are kept stand in for those that would be measured, and for no others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.by_hand import COLOURS, by_hand, image_set

from shapebias_utils import claims, results
from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures.ablation import scores, study
from shapebias_utils.measures.evidence import EVIDENCE
from shapebias_utils.measures.evidence import ablation as evidence

NETWORK = by_hand()


def conflicts():
    """The images by hand with their cues in columns, as the datasets have them."""
    images = image_set(COLOURS)
    cues = images.table["imagename"].str.extract(r"([a-z]+)\d-([a-z]+)\d")
    images.table[["category", "texture_category"]] = cues
    return images


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A study of one network on images by hand; the calls of the measure are counted."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(study, "_networks", lambda dataset: [NETWORK])
    monkeypatch.setattr(study, "balanced", lambda images, per_pair: conflicts())
    calls = []
    measured = study.half_scores
    monkeypatch.setattr(study, "half_scores", lambda *a: calls.append(1) or measured(*a))
    study.study(get_dataset("pictograms"))
    return calls


def test_what_is_kept_is_what_is_measured_and_is_not_measured_again(kept):
    assert kept == [1]
    table = study.scored([NETWORK], conflicts())
    assert kept == [1], "read, not measured"
    plain = scores.scores(NETWORK, conflicts(), layer="relu")
    columns = ["unit", "shape_score", "texture_score", "shape", "texture", "images"]
    assert table[columns].to_numpy().tolist() == plain[columns].to_numpy().tolist()
    margins = [f"{cue}_{kind}" for cue in ("shape", "texture") for kind in ("margin", "gap")]
    assert np.allclose(table[margins], plain[margins], rtol=1e-3, equal_nan=True)
    assert table["network"].eq("ByHand").all() and "flipped" not in table
    again = study.study(get_dataset("pictograms"))
    assert kept == [1] and len(again) == 4, "nothing is left to do"


def test_the_half_scores_are_those_of_every_second_conflict_image(kept):
    table = study.scored([NETWORK], conflicts()).set_index("unit")
    # Of cat1-dog1, cat2-dog2, dog1-cat1 and oven1-bear1 the first and third (helpers.by_hand).
    assert table.loc[0, ["shape_first", "texture_first"]].tolist() == [1, 1]
    assert table.loc[1, ["texture_score", "texture_first"]].tolist() == [1, 0]


def test_other_images_or_other_weights_are_measured(kept):
    few = conflicts().subset(range(4), "few")
    assert study.scored([NETWORK], few)["images"].tolist() == [3] * 4
    assert len(kept) == 2
    other = replace(NETWORK, name="Another")
    assert study.scored([other], conflicts())["network"].eq("Another").all()
    assert len(kept) == 3, "a network that the study does not know"


def test_a_study_of_older_code_or_other_weights_does_not_count(kept, monkeypatch):
    monkeypatch.setattr(scores, "VERSION", scores.VERSION + 1)
    study.scored([NETWORK], conflicts())
    assert len(kept) == 2


def test_a_study_that_is_stopped_goes_on_where_it_was(kept, monkeypatch):
    second = replace(NETWORK, name="Second")
    monkeypatch.setattr(study, "_networks", lambda dataset: [NETWORK, second])
    removed, ran = study.removed, []

    def stopped(networks, images):
        ran.append(networks[0].name)
        if ran == ["ByHand", "Second"]:
            raise KeyboardInterrupt
        return removed(networks, images)

    monkeypatch.setattr(study, "removed", stopped)
    with pytest.raises(KeyboardInterrupt):
        study.study(get_dataset("pictograms"))
    assert len(kept) == 3, "of other networks than before, both are measured"
    table = study.study(get_dataset("pictograms"))
    assert len(kept) == 3 and ran == ["ByHand", "Second", "Second"]
    assert table["network"].value_counts().to_dict() == {"ByHand": 4, "Second": 4}


def test_networks_that_are_done_are_those_that_are_kept_or_measured_here(kept):
    other = replace(NETWORK, name="Another")
    assert study.done([other, NETWORK], conflicts()) == [NETWORK]
    few = conflicts().subset(range(3), "few")
    assert study.done([other, NETWORK], few) == []
    study.scored([other], few)
    assert study.done([other, NETWORK], few) == [other], "measured here"


def test_a_network_whose_weights_are_not_there_is_not_done(kept, tmp_path):
    absent = replace(NETWORK, name="Absent", checkpoint=tmp_path / "absent.safetensors")
    assert study.done([NETWORK, absent], conflicts()) == [NETWORK]


def test_without_names_the_networks_are_those_that_are_done_or_one_architectures(kept, monkeypatch):
    names = [n.name for n in study.measured("pictograms", conflicts())]
    assert names == ["AlexNet", "AlexNet-R", "AlexNet-control"]
    assert [n.name for n in study.measured("pictograms", conflicts(), "ResNet-R")] == ["ResNet-R"]
    monkeypatch.setattr(study, "done", lambda networks, images: [networks[0], networks[-1]])
    chosen = study.measured("pictograms", conflicts())
    assert len(chosen) == 2
    assert len(study.missing("pictograms", chosen)) == 7
    assert not {n.name for n in chosen} & set(study.missing("pictograms", chosen))


def test_nothing_is_observed_of_networks_that_nobody_measured(kept, monkeypatch):
    monkeypatch.setattr(evidence, "balanced", lambda images, per_pair: conflicts())
    monkeypatch.setattr(evidence, "read_stimuli", lambda data, folder: None)
    found = evidence.observations([replace(NETWORK, name="Another")], None)
    assert found.empty and evidence.compared(found).empty


def test_curves_are_kept_as_well(kept):
    table = study.removed([NETWORK], conflicts())
    assert set(table["order"]) >= {"texture", "shape", "texture only", "as shape 1"}
    stored = results.stored("pictograms", study.REMOVAL)
    assert len(stored) == len(table)


def test_measured_again_is_measured_whatever_is_kept(kept, monkeypatch):
    ran = []
    monkeypatch.setattr(scores, "loaded", lambda n: ran.append(n.name) or n.load())
    again = study.again([NETWORK], conflicts())
    assert ran == ["ByHand"] and again["layer"].eq("relu").all()


def test_the_studys_networks_are_s_r_and_controls_in_the_order_of_its_plan():
    networks = study._networks("pictograms")
    names = [(n.name, n.seed) for n in networks]
    assert names[:3] == [("AlexNet", 0), ("AlexNet-R", 0), ("AlexNet-control", 0)]
    assert {n.training for n in networks} == {"standard", "robust", "control"}
    assert [n.seed for n in networks] == [0] * 6 + [1] * 3 + [2] * 3 + [0] * 3
    assert [n.architecture for n in networks[::3]] == [
        "AlexNet", "ResNet", "AlexNet", "AlexNet", "GoogLeNet",
    ]  # fmt: skip
    assert study._networks("imagenet") == []


# --- what the claims rest on ----------------------------------------------------------------------


def labelled(**values) -> pd.DataFrame:
    about = {"network": "A", "architecture": "AlexNet", "training": "standard", "seed": 0}
    return pd.DataFrame(values | about).assign(unit=lambda t: range(len(t)))


TABLE = labelled(
    layer=["conv1", "conv1", "conv2", "conv2"],
    category=["texture", "color", "texture", "texture"],
    shape_score=[2, 4, 1, 1], texture_score=[6, 0, 2, 4],
    shape_share=[0.2, 0.4, 0.1, 0.1], texture_share=[0.3, 0.0, 0.1, 0.2],
    shape_margin=[0.5, 0.1, -0.2, 0.0], texture_margin=[0.5, -0.1, 0.3, 0.1],
)  # fmt: skip


def statistic(observations: pd.DataFrame, quantity: str) -> float:
    own = observations[observations["quantity"] == quantity]
    return own["value"].sum() / own["weight"].sum()


def test_quantities_by_hand():
    found = evidence.of_channels({"broden_like": TABLE})
    of_texture = f"texture channels: {evidence.SCORE}", f"texture channels: {evidence.SHARE}"
    assert statistic(found, of_texture[0]) == pytest.approx(12 / 4)
    assert statistic(found, of_texture[1]) == pytest.approx(0.6 / 0.4)
    # Layers have means .3 and .1 of shape, .15 and .15 of texture.
    assert statistic(found, f"texture channels: {evidence.SHAPE}") == pytest.approx(-0.1 / 3)
    assert statistic(found, f"texture channels: {evidence.TEXTURE}") == pytest.approx(0.15 / 3)
    assert statistic(found, f"color channels: {evidence.LEAN}") == pytest.approx(0.1 + 0.15)
    one_sided = (0 + 0.2 + 0.5 + 0.1) / (1 + 0.2 + 0.5 + 0.1)
    assert statistic(found, f"all channels: {evidence.ONE_SIDED}") == pytest.approx(one_sided)


def test_a_second_labelling_has_quantities_of_its_own_name():
    other = TABLE.assign(category=["object", "object", "color", "color"])
    found = evidence.of_channels({"broden_like": TABLE, "cue_conflict": other})
    assert statistic(found, f"object channels by cue_conflict: {evidence.SCORE}") == 1
    assert not found["quantity"].str.startswith("object channels:").any()
    assert not found.duplicated(["quantity", "network", "seed", "unit"]).any()


def networks(**ratios: float) -> pd.DataFrame:
    """40 texture channels of each training that turn so many texture for one shape decision."""
    rng, tables = np.random.default_rng(0), []
    for training, ratio in ratios.items():
        shape = rng.poisson(10, 40)
        texture = rng.poisson(ratio * 10, 40)
        table = labelled(
            layer=["conv1"] * 40, category=["texture"] * 40, shape_score=shape,
            texture_score=texture, shape_share=shape / 100, texture_share=texture / 100,
            shape_margin=shape / 10, texture_margin=texture / 10,
        )  # fmt: skip
        tables.append(table.assign(network=f"A-{training}", training=training))
    return pd.concat(tables, ignore_index=True)


def test_claims_are_judged_by_quantities_that_there_are():
    table = networks(standard=2.0, control=2.0, robust=1.0)
    effects = evidence.compared(evidence.of_channels({"broden_like": table}))
    found = claims.judged("07", "pictograms", effects).set_index(["claim", "against"])["verdict"]
    assert found["texture_channels_biased", "1"] == "reproduced"
    assert found["texture_channels_less_texture_biased", "standard"] == "reproduced"
    assert found["texture_channels_less_texture_biased", "control"] == "reproduced"
    assert found["generalists", "standard"] == "reproduced"
    assert found["texture_channels_shape_robust", "0"] == "undecided", "all are texture channels"
    tested = found[found != "not tested"].index.unique("claim")
    assert set(found.index.unique("claim")) - set(tested) == {
        "object_channels_less_texture_biased", "color_channels_less_texture_biased",
    }, "of which there are no channels here"  # fmt: skip
    reversed_ = networks(standard=1.0, control=1.0, robust=2.0)
    effects = evidence.compared(evidence.of_channels({"broden_like": reversed_}))
    found = claims.judged("07", "pictograms", effects).set_index(["claim", "against"])["verdict"]
    assert found["texture_channels_less_texture_biased", "standard"] == "reversed"
    assert found["texture_channels_biased", "1"] == "undecided"


@pytest.mark.parametrize(
    "sets, expected",
    [
        ({"held_out": 1, "cue_conflict": 2, "broden_like": 3}, ["broden_like", "cue_conflict"]),
        ({"broden": 4}, ["broden"]),
    ],
)
def test_channels_are_labelled_as_broden_would_first(monkeypatch, sets, expected):
    monkeypatch.setattr(evidence, "lacking", lambda data, folder: "")
    monkeypatch.setattr(evidence, "labellings", lambda data, folder, n_images: sets)
    dissected = pd.DataFrame({"layer": ["conv1"], "unit": [1], "iou": [0.1]}).assign(
        network="A", architecture="AlexNet", training="standard", seed=0, category="object"
    )
    monkeypatch.setattr(
        evidence, "dissected_on", lambda networks, own, rules: dissected.assign(concept=f"by {own}")
    )
    found = evidence.labelled(TABLE.drop(columns="category").assign(shape=1, texture=1), [], None)
    assert list(found) == expected
    for name, table in found.items():
        assert table["concept"].fillna("").tolist() == ["", f"by {sets[name]}", "", ""]
        assert table["category"].tolist() == ["none", "object", "none", "none"]
    assert EVIDENCE["07"] == "ablation"
