"""Evidence and claims of 09: every claim has its quantity, and comparisons are the right ones."""

from dataclasses import replace

import pandas as pd
import pytest

from shapebias_utils import results
from shapebias_utils.claims import judged
from shapebias_utils.claims.saliency import CLAIMS
from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures import saliency_shown, saliency_study
from shapebias_utils.measures.evidence import saliency as evidence
from shapebias_utils.measures.statistics import EFFECTS, levels
from shapebias_utils.networks import get_network
from shapebias_utils.tables import saliency as tables

NETWORKS = [get_network(f"AlexNet{kind}", "pictograms") for kind in ("", "-R", "-control")]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """(Observations, effects) of a few images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "RESULTS", tmp_path_factory.mktemp("results"))
        patch.setattr(evidence, "AGREEMENT_IMAGES", 3)
        data = get_dataset("pictograms")
        conflicts = data.images("cue_conflict").subset(range(0, 240, 40), "conflicts")
        sets = {"cue_conflict": conflicts, "validation": data.images("validation")}
        few = replace(data, images=sets.__getitem__)
        observations = evidence.observations(NETWORKS, few, accuracy_images=3, mask_images=4)
    return observations, evidence.compared(observations)


def test_every_claim_has_its_quantity_but_the_one_that_cannot_be_tested(found):
    observations, effects = found
    untested = {c.key for c in CLAIMS if c.quantity not in set(observations["quantity"])}
    assert untested == {"zz_why_robust"}
    verdicts = judged("09", "pictograms", effects)
    assert set(verdicts["claim"]) == {c.key for c in CLAIMS}
    not_tested = verdicts[verdicts["verdict"] == "not tested"]
    assert set(not_tested["claim"]) <= {"zz_why_robust", "zz_stylized", "zz_scrambled"}
    compared = verdicts.groupby("claim")["against"].agg(set)
    assert compared["zz_contours"] == {"standard", "control", "randomised"}
    assert compared["zz_other_features"] == {"control"}
    assert compared["zz_saturated"] == {"standard", "control"}


def test_what_is_compared_with_what(found):
    _, effects = found
    assert list(effects.columns) == list(EFFECTS)
    pairs = set(effects[["training", "against"]].itertuples(index=False, name=None))
    robust = {("robust", other) for other in ("standard", "control", "randomised", "0")}
    plain = {(kind, other) for kind in ("standard", "control") for other in ("randomised", "0")}
    assert pairs == robust | plain
    zero = effects[effects["against"] == "0"]
    assert set(zero["quantity"]) == {evidence.BY_TARGET}


def test_a_regime_is_compared_as_r_is(found):
    observations, _ = found
    other = observations.assign(training=observations["training"].replace("robust", "linf"))
    pairs = evidence.compared(other)[["training", "against"]].drop_duplicates()
    assert {"standard", "control", "randomised"} <= set(
        pairs.loc[pairs["training"] == "linf", "against"]
    )


def test_chance_of_accuracy_is_one_class_of_all(found):
    observations, _ = found
    chance = observations.groupby("quantity")["chance"].first()
    assert chance["kept: saturated"] == 1 / 16 and pd.isna(chance.get("saliency: contour"))


def test_the_two_targets_are_of_one_image(found):
    observations, _ = found
    own = observations[observations["quantity"] == evidence.BY_TARGET]
    assert own["value"].abs().max() < 1 and own.groupby("network").size().nunique() == 1
    decided = observations[observations["quantity"].str.startswith(evidence.BY_DECISION)]
    assert (decided["value"].between(0, 1)).all()
    assert not decided.duplicated(["network", "unit"]).any(), "an image is decided by one cue"


def test_without_masks_there_is_no_cue_to_lie_on():
    bare = replace(get_dataset("pictograms"), regions=None)
    assert evidence.by_cue(NETWORKS, bare).empty


def test_tables_say_what_follows(found):
    _, effects = found
    said = tables.follows_the_cue(effects, evidence.BY_TARGET)
    assert said.count("AlexNet") == 3 and "**robust**" in said
    assert tables.follows_the_cue(effects.iloc[:0], evidence.BY_TARGET) == ""
    sure = effects[effects["against"] == "0"].assign(effect=0.2, low=0.1, high=0.3, p_holm=0.01)
    assert "more on the contour for AlexNet" in tables.follows_the_cue(sure, evidence.BY_TARGET)
    study = effects.assign(method="smoothgrad", of="loss", images=4)
    assert "smoothgrad: AlexNet" in tables.by_method(study)
    assert "shapebias study saliency" in tables.by_method(study.iloc[:0])
    shown = tables.ratios(levels(found[0]), tables.ZONES)
    assert list(shown.columns) == list(tables.ZONES.values()) and len(shown) == 4
    kept = tables.accuracies(levels(found[0]), ["saturated", "flat"], "kept")
    assert list(kept.columns) == ["saturated", "flat"] and len(kept) == 3


def test_the_study_scores_by_every_method_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(saliency_study, "get_networks", lambda *a, **k: NETWORKS[:2])
    monkeypatch.setattr(saliency_study, "with_controls", lambda networks: networks)
    monkeypatch.setattr(saliency_study, "with_regimes", lambda networks: NETWORKS)
    table = saliency_study.study(get_dataset("pictograms"), n=2, methods=("gradient", "grad_cam"))
    scored = table[table["method"] != "accuracy"]
    assert set(table["method"]) == {"gradient", "grad_cam", "accuracy"}
    assert set(scored["quantity"]) == set(saliency_study.QUANTITIES)
    assert set(table.loc[table["method"] == "accuracy", "quantity"]) <= set(saliency_study.KEPT)
    against = scored.groupby("method")["against"].agg(set)
    assert "control" in against["gradient"] and "control" not in against["grad_cam"]
    kept = saliency_study.kept("pictograms")
    assert len(kept) == len(table) and (kept["images"] == 2).all()


def test_what_is_shown_is_right_in_all_eyes_and_of_different_categories(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(saliency_shown, "TRANSFORMED", {"scramble": 4})
    drawn = saliency_shown.drawn
    monkeypatch.setattr(saliency_shown, "cached", lambda m, n, i: drawn(n, i, samples=1))
    data, networks = get_dataset("pictograms"), NETWORKS[:2]
    images = data.images("validation").subset([0, 16, 1, 2], "four")
    trials = pd.DataFrame(
        [(name, network.name, name != images.table["imagename"][0])
         for name in images.table["imagename"] for network in networks],
        columns=["imagename", "network", "correct"],
    ).assign(family="as they are")  # fmt: skip
    table, pixels, maps = saliency_shown.shown(networks, data, trials, images, 2)
    assert list(table["imagename"].unique()) == [images.table["imagename"][i] for i in (1, 2)]
    assert len(table) == len(pixels) == len(maps) == 2 * 2 * 2
    assert table["distortion"].tolist() == ["real", "real", "scramble", "scramble"] * 2
    assert (pixels[0] == images.load([1])[0].numpy()).all() and (pixels[0] != pixels[2]).any()
    none = saliency_shown.shown(networks, data, trials.assign(correct=False), images, 2)
    assert none[0].empty and len(none[1]) == len(none[2]) == 0
