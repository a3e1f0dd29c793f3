"""Notebook 11's evidence and claims: from decisions to doubts that fall, stand or stay open."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import claims, datasets, results
from shapebias_utils.attacks import Attack
from shapebias_utils.claims import doubts as records
from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures import statistics
from shapebias_utils.measures.doubts import blur, consistency, images, reliance
from shapebias_utils.measures.doubts.trials import BY_RESPONSE
from shapebias_utils.measures.evidence import doubts as evidence
from shapebias_utils.measures.predictions import collect
from shapebias_utils.measures.schema import OBSERVER
from shapebias_utils.networks import Network, linear
from shapebias_utils.networks.checkpoints import save
from shapebias_utils.results import reported
from shapebias_utils.tables import blur as blurs
from shapebias_utils.tables import doubts as tables

CATEGORIES = ("bird", "cat", "dog")


def noise(split: str) -> ImageSet:
    """Twelve images of 32 pixels: noise, in squares of 2."""
    pixels = np.random.default_rng(len(split)).random((12, 3, 16, 16), dtype=np.float32)
    pixels = torch.from_numpy(pixels).repeat_interleave(2, 2).repeat_interleave(2, 3)
    table = pd.DataFrame({"label": [0, 1, 2] * 4, "category": CATEGORIES * 4})
    table["texture_category"] = np.roll(table["category"], 1)
    cues = enumerate(zip(table["category"], table["texture_category"], strict=True))
    table["imagename"] = [f"{a}{i}-{b}{i}.png" for i, (a, b) in cues]
    return ImageSet(split, table, lambda rows: pixels[list(rows)], f"noise {split}")


DATASET = datasets.Dataset(
    name="noise of doubts", title="Noise", size=32, n_classes=3, images=noise,
    category_classes={c: (i,) for i, c in enumerate(CATEGORIES)},
    attack=Attack(eps=0.5, step_size=0.25, steps=2), eps_grid=(0.0, 0.5),
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def registered():
    """The dataset is known by its name as long as these tests run."""
    datasets.register(DATASET)
    yield
    datasets._OWN.pop(DATASET.name)


def build(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
                         nn.Linear(16, 3))  # fmt: skip


def network(name, architecture, training, seed=0):
    return Network(name, lambda: build(len(name) + seed), DATASET.name, architecture, training,
                   n_classes=3, seed=seed)  # fmt: skip


NETWORKS = [
    network(f"{a}{end}", a, training)
    for a in ("Tiny", "Tinier")
    for training, end in (("standard", ""), ("robust", "-R"), ("control", "-control"))
]


def kept(network, folder):
    """The network with its weights in a file, as trained ones are: only of these is the untrained
    network another."""
    path = folder / f"{network.name}.safetensors"
    save(network.build(), path)
    return replace(network, checkpoint=path)


@pytest.fixture(scope="module")
def found(tmp_path_factory, registered):
    """The evidence of untrained networks on noise of 32 pixels, and its observations."""
    folder = tmp_path_factory.mktemp("doubts")
    patch = pytest.MonkeyPatch()
    patch.setattr(results, "RESULTS", folder)
    patch.setattr(linear, "RAW", folder)
    networks = [kept(n, folder) for n in NETWORKS]

    made = evidence.Doubts(networks, DATASET, per_pair=0, photographs=8, objects=6)
    yield made, made.observations
    patch.undo()


def test_every_quantity_has_a_row_a_network_and_unit(found):
    made, table = found
    assert list(table.columns) == evidence.COLUMNS
    assert not table.duplicated(["quantity", "network", "seed", "unit"]).any()
    assert table[["value", "weight"]].notna().all(axis=None)
    names = {n.name for n in made.everyone}
    known = made.equal_response.query("training == 'standard'").dropna(subset="level")["network"]
    behind = {f"{name}, blurred" for name in known}
    baselines = {"Tiny, untrained", "Tinier, untrained", "Linear"}
    assert names == {n.name for n in NETWORKS} | baselines | behind
    of_all = table[table["quantity"] == "decided by shape"]
    assert set(of_all["network"]) == names and (of_all.groupby("network").size() == 12).all()
    assert len(made.objects_shown) == 6 and len(made.validation) == 8


def test_statistics_are_those_of_the_trials(found):
    made, table = found
    cues = made.conflict
    for name, own in cues.groupby("network"):
        shape = (own["object_response"] == own["category"]).mean()
        mine = table[(table["network"] == name) & (table["quantity"] == "decided by shape")]
        assert mine["value"].sum() / mine["weight"].sum() == pytest.approx(shape)
    lost = table[table["quantity"] == "lost without colour"].groupby("network")
    trials = made.reliance
    for name, own in lost:
        mine = trials[trials["network"] == name].groupby("without")["correct"].sum()
        assert own["weight"].sum() == mine["nothing"]
        assert own["value"].sum() == mine["nothing"] - mine["colour"]


def test_the_others_are_compared_with_r_where_they_are_as_accurate(found):
    made, table = found
    assert set(made.equal["by"]) == {"accuracy, all images", BY_RESPONSE}
    for row in made.equal.query("kind == 'blur'").itertuples():
        quantity = f"shape bias at R's accuracy, blur: {row.subset}"
        if row.by == BY_RESPONSE:
            quantity = "shape bias at R's response, blur"
        mine = table[(table["quantity"] == quantity) & (table["network"] == row.network)]
        if np.isnan(row.level):
            assert mine.empty
            continue
        shown = blur.low_passed(made.conflicts, "blur", row.level)
        trials = collect([n for n in made.networks if n.name == row.network], shown)
        by_shape = trials["object_response"] == trials["category"]
        assert mine["value"].sum() == by_shape.sum()
        assert row.by == BY_RESPONSE or row.accuracy <= row.target


def test_effects_are_against_s_the_control_the_untrained_and_numbers(found):
    effects = evidence.compared(found[1])
    assert set(effects["against"]) - {"blurred"} == {"standard", "control", "untrained", "0"}
    assert set(effects["quantity"]) >= {"shape bias", "coverage", "error consistency"}
    judged = claims.judged("11", "noise", effects)
    assert set(judged["claim"]) == {c.key for c in records.CLAIMS}
    # noise has no parts and no whole objects of its own
    rest = {"relies_on_arrangement", "relies_on_arrangement_textured", "arrangement_before_parts",
            "more_than_blur_whole"}  # fmt: skip
    assert (judged[judged["claim"].isin(rest)]["verdict"] == "not tested").all()
    table = tables.doubts(judged, "noise")
    assert list(table["doubt"]) == [d.doubt for d in records.DOUBTS]
    assert table["n"].dropna().between(1, 12).all() and (table["seeds"].dropna() == 1).all()


def test_evidence_needs_neither_controls_nor_pairs(found):
    made, _ = found
    alone = replace(made, networks=made.networks[:1])
    effects = evidence.compared(alone.observations)
    assert set(effects["training"]) <= {"standard"}
    assert (records.settled(claims.judged("11", "noise", effects))["verdict"] == "open").sum() >= 10
    assert blurs.at_equal(alone.curves, alone.equal).empty and blurs.what_is_left(effects).empty


def test_every_claim_is_about_something_observed(found):
    drawn = {"lost without arrangement", "lost without arrangement, textured",
             "decided by arrangement",
             "shape bias at R's accuracy, blur: whole objects"}  # fmt: skip
    known = set(found[1]["quantity"]) | drawn
    assert {c.quantity for c in records.CLAIMS} <= known
    keys = [key for doubt in records.DOUBTS for key in doubt.claims]
    assert sorted(keys) == sorted(c.key for c in records.CLAIMS)
    assert set(evidence.CONSTANTS) <= known


def test_effects_over_seeds_are_shown_where_they_are_of_as_many_of_the_same_images(
    found, monkeypatch
):
    made, table = found
    monkeypatch.setattr(evidence, "with_seeds", lambda number, data, own: own.assign(seeds=3))

    def seeds_shown(doubts):
        doubts.__dict__["observations"] = table
        return set(evidence.shown(doubts)["seeds"])

    usual = evidence.Doubts(made.networks, made.dataset)
    for kept in (usual, replace(usual, objects=10, photographs=20)):
        assert seeds_shown(kept) == {3}
    for other in ({"conflict_images": made.conflicts}, {"per_pair": 2}, {"objects": 0}):
        assert seeds_shown(replace(usual, **other)) == {1}


# --- from outcomes to doubts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcomes, blur_is, low_is, errors_are",
    [
        (["reproduced", "reproduced"], "falls", "stands", "falls"),
        (["reversed", "reversed"], "stands", "falls", "falls"),
        (["reproduced", "undecided"], "open", "open", "open"),
        (["reproduced", "reversed"], "open", "open", "falls"),
        (["not tested"], "open", "open", "open"),
        (["at chance", "at chance"], "open", "open", "open"),
    ],
)
def test_a_doubt_falls_or_stands_only_where_all_say_so(outcomes, blur_is, low_is, errors_are):
    wanted = {"more_than_blur": blur_is, "low_frequencies": low_is, "consistent_errors": errors_are}
    judged = pd.DataFrame([{"claim": key, "verdict": o} for key in wanted for o in outcomes])
    settled = records.settled(judged).set_index("doubt")["verdict"]
    by_claim = {d.claims[0]: settled[d.doubt] for d in records.DOUBTS}
    assert {key: by_claim[key] for key in wanted} == wanted
    assert by_claim["above_untrained"] == "open"


# --- tables ---------------------------------------------------------------------------------------


def test_the_papers_networks_are_those_of_its_tables():
    table = blurs.papers_networks().set_index(["architecture", "training"])
    assert table.loc[("ResNet", "robust"), "lost"] == pytest.approx(76.13 - 57.9)
    assert table.loc[("ResNet", "robust"), "shape_bias"] == pytest.approx(0.7036)
    assert (table.xs("standard", level=1)["lost"] == 0).all() and len(table) == 6


def test_the_loss_on_the_stimuli_is_that_of_more_photographs_where_known():
    stimuli = pd.DataFrame({
        "network": "N", "stimuli": "550", "kind": ["blur", "blur", "resizing", "resizing"],
        "level": [0.0, 3.0, 1.0, 2.0], "accuracy": [0.6, 0.1, 0.6, 0.4], "images": 45,
    })  # fmt: skip
    found = blurs.with_loss(stimuli)
    np.testing.assert_allclose(found["lost"], [0, 50, 0, 20])
    assert found["photographs"].tolist() == [1000, 45, 45, 45]
    one = stimuli.assign(level=[0.0, 1.0, 1.0, 2.0])
    known = reported("blurred_squeezenet").set_index("sigma")["top1"]
    assert blurs.with_loss(one)["lost"].iloc[1] == known[0] - known[1]
    assert blurs.with_loss(pd.DataFrame()).empty


def test_blur_at_the_losses_of_the_paper_is_read_between_levels():
    stimuli = pd.DataFrame({
        "network": "N", "stimuli": "550", "kind": "blur", "level": [0.0, 1.0, 2.0],
        "lost": [0.0, 10.0, 30.0],
        "shape_bias": [0.3, 0.4, 0.8], "low": [0.2, 0.3, 0.7], "high": [0.4, 0.5, 0.9],
    })  # fmt: skip
    paper = pd.DataFrame({"architecture": "A", "training": ["standard", "robust"],
                          "shape_bias": [0.2, 0.7], "lost": [0.0, 20.0]})  # fmt: skip
    (row,) = blurs.at_the_papers_losses(stimuli, paper).to_dict("records")
    assert row["blurred"] == "60.0 [50.0, 70.0]" and row["of its gain (%)"] == "60"
    said = blurs.on_the_stimuli(blurs.at_the_papers_losses(stimuli, paper))
    assert "brings 60 to 60 %" in said and "in 0 of 1 comparisons" in said  # .7 is no more than .7
    assert blurs.on_the_stimuli(pd.DataFrame()) == ""
    assert blurs.at_the_papers_losses(pd.DataFrame(), paper).empty


def test_what_a_blur_leaves_of_the_difference():
    about = {"architecture": "A", "seed": 0, "subset": "all images", "kind": "blur", "low": 0.0,
             "high": 1.0, "coverage": 0.6}  # fmt: skip
    rows = [("S", "standard", 0.0, 0.9, 0.2), ("S", "standard", 1.0, 0.7, 0.4),
            ("R", "robust", 0.0, 0.75, 0.7)]  # fmt: skip
    columns = ("network", "training", "level", "accuracy", "shape_bias")
    curves = pd.DataFrame([about | dict(zip(columns, row, strict=True)) for row in rows])
    equal = pd.DataFrame([about | {"network": "S", "training": "standard", "level": 1.0,
                                   "by": "accuracy, all images"}])  # fmt: skip
    (row,) = blurs.at_equal(curves, equal).to_dict("records")
    assert row["left (%)"] == "60" and row["blur of"] == 1.0  # .3 of .5
    assert row["decided then"] == "60.0" and row["accuracy of R"] == "75.0"
    lost = blurs.at_equal(curves, equal.assign(level=np.nan))
    assert lost["left (%)"].item() == lost["shape bias then"].item() == "–"


def test_what_is_left_of_each_difference_behind_a_blur():
    about = {"quantity": "shape bias", "architecture": "A", "training": "robust", "value": 0.8}
    table = pd.DataFrame([
        about | {"against": "standard", "effect": 0.5, "low": 0.4, "high": 0.6, "versus": 0.3},
        about | {"against": "blurred", "effect": 0.4, "low": 0.3, "high": 0.5, "versus": 0.4},
        about | {"against": "control", "effect": 0.5, "low": 0.4, "high": 0.6, "versus": 0.3},
    ])  # fmt: skip
    (row,) = blurs.what_is_left(table).to_dict("records")
    assert row["left (%)"] == "80" and row["R - S, blurred"] == "40.0 [30.0, 50.0]"
    assert (row["S"], row["S, blurred"], row["R"]) == ("30.0", "40.0", "80.0")
    unclear = table.assign(low=-0.1)
    assert blurs.what_is_left(unclear)["left (%)"].item() == "–"
    other = table.assign(quantity="coverage")
    assert blurs.what_is_left(other).empty and blurs.what_is_left(table[:1]).empty


# --- side by side ---------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Where notebooks saved their tables: `saved(stem, dataset, table)` puts one there."""
    for name in ("FIGURES", "KEPT"):
        monkeypatch.setattr(claims, name, tmp_path)

    def save(stem, dataset, table):
        (tmp_path / dataset).mkdir(exist_ok=True)
        table.to_csv(tmp_path / dataset / f"{stem}.csv", index=False)

    return save


def test_what_other_datasets_showed_stands_beside(saved):
    own = pd.DataFrame({"architecture": ["AlexNet"], "value": [1]})
    assert tables.beside(own, "11_some", "pictograms")["dataset"].tolist() == ["pictograms"]
    saved("11_some", "tiny_imagenet", own.assign(value=2))
    first = tables.beside(own, "11_some", "pictograms")
    assert first["architecture"].tolist() == ["AlexNet", "AlexNet\n(tiny_imagenet)"]
    saved("11_some", "pictograms", first)  # which shows others too: they are not its own
    again = tables.beside(own.assign(value=3), "11_some", "tiny_imagenet")
    assert again["value"].tolist() == [3, 1]
    assert again["architecture"].tolist() == ["AlexNet", "AlexNet\n(pictograms)"]


def test_verdicts_on_other_datasets_stand_beside(saved, found):
    effects = evidence.compared(found[1])
    judged = claims.judged("11", "pictograms", effects)
    assert not [c for c in tables.doubts(judged, "pictograms") if c.startswith("on ")]
    saved("11_effects", "tiny_imagenet", effects)
    table = tables.doubts(judged, "pictograms").set_index("doubt")
    tested = table["outcomes"] != "not tested"
    assert (table.loc[tested, "on tiny_imagenet"] == table.loc[tested, "verdict"]).all()
    assert (table.loc[~tested, "on tiny_imagenet"] == "not tested").all()


def test_crossovers_of_the_networks_stand_in_a_table(saved):
    rows = [("Tiny", 0, 9.04, 8.0, np.inf), ("Tiny", 1, 7.0, 6.0, 8.0), ("Other", 0, 1.0, 0.5, 2.0)]
    balance = pd.DataFrame(rows, columns=["network", "seed", "level", "low", "high"])
    about = {"axis": "cutoff", "training": "standard", "architecture": "Tiny"}
    table = tables.crossings(balance.assign(**about), NETWORKS)
    assert table["cutoff"].to_dict() == {"Tiny": "9.04 [8, inf]"}
    for none in (None, balance.assign(**about)[:0]):  # a dataset that cannot draw its cues
        assert tables.crossings(none, NETWORKS).empty
    shares = balance.assign(**about)
    saved("11_frequency_conflict", "tiny_imagenet", shares)
    assert "tiny_imagenet" not in tables.other_hybrids("pictograms")  # its crossovers lack
    saved("11_crossover", "tiny_imagenet", shares)
    assert len(tables.other_hybrids("pictograms")["tiny_imagenet"][0]) == 3


def test_networks_are_compared_within_a_training_and_with_their_s():
    rows = [(n.name, n.architecture, n.training, seed) for n in NETWORKS for seed in (0, 1)]
    groups = tables.consistency_groups(pd.DataFrame(rows, columns=OBSERVER))
    assert groups["S with S"] == [(("Tiny", 0), ("Tinier", 0)), (("Tiny", 1), ("Tinier", 1))]
    assert (
        len(groups["S with its R"]) == 4 and (("Tiny", 1), ("Tiny-R", 1)) in groups["S with its R"]
    )
    assert groups["untrained with untrained"] == []
    assert consistency.pairwise(pd.DataFrame(), {"nobody": []}).empty


def test_quantities_stand_side_by_side_a_row_a_network(found):
    table = tables.by_network(statistics.levels(found[1]), tables.IDLE)
    assert list(table.columns)[:2] == ["shape bias", "coverage"] and "Linear" in table.index
    assert table.loc["Tiny", "coverage"].count(".") == 3


def test_whole_objects_are_of_the_last_subset():
    data = DATASET
    some = replace(data, subsets={"all": "index >= 0", "cats": "category == 'cat'"})
    found = images.whole_objects(some, 3)
    assert set(found.table["category"]) == {"cat"} and len(found) == 3
    cues = {reliance.INTACT, *reliance.ANY_IMAGE}
    assert set(reliance.suppressions(some)) == cues
    assert set(reliance.suppressions(replace(some, size=16))) == cues - {
        "local shape"
    }  # 16 pixels: no 32 x 32 squares
