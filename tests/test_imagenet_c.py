"""ImageNet-C from disk, networks on it, and Table A1: ours, the paper's, and its audit."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from shapebias_utils.datasets import get_dataset, imagenet, imagenet_c
from shapebias_utils.datasets.image_folders import labelled_images
from shapebias_utils.distortions.imagenet_c import CORRUPTIONS, MAIN, corrupted, there
from shapebias_utils.measures import corruptions, distorted
from shapebias_utils.measures.evidence import corruptions as evidence
from shapebias_utils.measures.robustness import correctly_labelled
from shapebias_utils.measures.schema import OBSERVER
from shapebias_utils.networks import Network
from shapebias_utils.results import reported
from shapebias_utils.tables import corruptions as tables

IMAGENET = get_dataset("imagenet")


# --- on disk --------------------------------------------------------------------------------------

NAMES = {0: "ILSVRC2012_val_00000002.JPEG", 7: "ILSVRC2012_val_00000001.JPEG"}


def photo(seed: int, size: int = 224) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)


def write(folder, names=NAMES, classes=1000, size=224, seed=0):
    """Class folders, of which some hold one JPEG."""
    for label in range(classes):
        (folder / f"n{label + 1_000_000:08d}").mkdir(parents=True)
    for label, name in names.items():
        photo(label + seed, size).save(folder / f"n{label + 1_000_000:08d}" / name, quality=85)
    return folder


@pytest.fixture
def raw(tmp_path, monkeypatch):
    for module in (imagenet, imagenet_c):
        monkeypatch.setattr(module, "RAW", tmp_path)
    return tmp_path


def test_published_files_are_read_as_they_are(raw):
    folder = write(raw / "imagenet-c" / "fog" / "3")
    images = imagenet_c.imagenet_c("fog", 3)
    assert images.table["label"].tolist() == [0, 7]
    assert images.table["imagename"].tolist() == [NAMES[0], NAMES[7]]
    with Image.open(folder / "n01000007" / NAMES[7]) as file:
        wanted = torch.from_numpy(np.array(file)).permute(2, 0, 1) / 255
    assert torch.equal(images.load([1])[0], wanted), "neither resized nor cropped"


def test_the_corrupted_set_has_the_named_images_at_all_severities(raw):
    for severity in range(1, 6):
        write(raw / "imagenet-c" / "snow" / str(severity), seed=10 * severity)
    clean = labelled_images(
        write(raw / "imagenet" / "val"), None, "validation", resize=256, **imagenet_c.LABELLED
    )
    found = corrupted(IMAGENET, clean.subset([1], "one"), "snow")
    assert found.table["imagename"].tolist() == [f"{s}/{NAMES[7]}" for s in range(1, 6)]
    assert found.table["label"].tolist() == [7] * 5
    loaded = found.load(range(5))
    for severity in range(1, 6):
        wanted = imagenet_c.imagenet_c("snow", severity).load([1])[0]
        assert torch.equal(loaded[severity - 1], wanted)


FAULTS = {
    "missing": (
        lambda raw: None,
        FileNotFoundError,
        r"no ImageNet-C at .*imagenet-c.fog.3: get weather.tar from https://zenodo.org/records/\d+ "
        r"and unpack it in .*imagenet-c",
    ),
    "empty": (
        lambda raw: (raw / "imagenet-c" / "fog" / "3").mkdir(parents=True),
        ValueError,
        "3 is empty: unpack weather.tar again",
    ),
    "incomplete": (
        lambda raw: write(raw / "imagenet-c" / "fog" / "3", classes=10),
        ValueError,
        "3 has 10 class folders, expected are 1,000",
    ),
}


@pytest.mark.parametrize("prepare, kind, said", FAULTS.values(), ids=FAULTS)
def test_what_is_missing_is_named_with_its_origin(raw, prepare, kind, said):
    prepare(raw)
    with pytest.raises(kind, match=said):
        imagenet_c.imagenet_c("fog", 3)


def test_an_image_that_is_not_on_disk_is_named(raw):
    for severity in range(1, 6):
        write(raw / "imagenet-c" / "fog" / str(severity), names={0: NAMES[0]})
    clean = labelled_images(
        write(raw / "imagenet" / "val"), None, "validation", resize=256, **imagenet_c.LABELLED
    )
    with pytest.raises(ValueError, match=f"imagenet-c-fog-1 lacks {NAMES[7]} and 0 more of 2"):
        corrupted(IMAGENET, clean, "fog")


def test_every_corruption_is_in_one_of_the_published_archives():
    published = [name for names in imagenet_c.ARCHIVES.values() for name in names]
    assert sorted(published) == sorted(CORRUPTIONS) and len(published) == 19
    with pytest.raises(ValueError, match="no corruption 'rain'; choose one of defocus_blur"):
        imagenet_c.imagenet_c("rain", 1)


def test_corruptions_that_are_not_on_disk_are_left_out_and_said():
    def on_disk(name, severity):
        if name not in ("fog", "snow"):
            raise FileNotFoundError(f"no ImageNet-C at {name}: get an archive")

    some = replace(IMAGENET, corrupted=on_disk)
    with pytest.warns(UserWarning, match="left out are frost: no ImageNet-C at frost: get an"):
        assert there(some, ("frost", "fog", "snow")) == ("fog", "snow")
    with pytest.raises(FileNotFoundError, match="no ImageNet-C at frost"):
        there(some, ("frost", "brightness"))
    assert there(get_dataset("pictograms")) == tuple(CORRUPTIONS), "they are made"


# --- networks -------------------------------------------------------------------------------------


def record(name, training="standard"):
    return Network(name, None, dataset="pictograms", architecture=name[0], training=training)


A, AR, B = record("A"), record("AR", "robust"), record("B")


def clean(**right):
    """Trials of clean images i0, i1, ...; of each network the numbers that it labels correctly."""
    rows = [
        {"network": name, "architecture": name[0], "imagename": f"i{i}", "correct": i in numbers,
         "eps": 0.0}
        for name, numbers in right.items()
        for i in range(10)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_subset_is_what_all_networks_of_an_architecture_label_correctly():
    trials = clean(A=[1, 2, 3], AR=[2, 3, 4], B=[5])
    subset = corruptions.labelled_by_all(trials)
    assert {k: list(v) for k, v in subset.items()} == {"A": ["i2", "i3"], "B": ["i5"]}
    pair = correctly_labelled(trials, [(A, AR)])
    assert list(pair["A"]) == list(subset["A"]), "the -CL subset of the pair"


def test_samples_are_drawn_by_name_and_overlap_as_the_subsets_do():
    names = pd.Index([f"i{i}" for i in range(100)])
    subset = {"A": names[:80], "B": names[20:], "C": names[:3]}
    drawn = corruptions.sampled(subset, 20)
    assert [len(v) for v in drawn.values()] == [20, 20, 3]
    for architecture, chosen in drawn.items():
        assert chosen.is_unique and chosen.isin(subset[architecture]).all()
        assert list(chosen) == sorted(chosen, key=list(names).index), "in their order"
    common = drawn["A"].intersection(drawn["B"])
    assert len(common) >= 12, "what both have goes to both, if it is drawn early enough"
    assert list(corruptions.sampled(subset, 20)["A"]) == list(drawn["A"])
    assert list(corruptions.sampled(subset, 20, seed=1)["A"]) != list(drawn["A"])
    assert list(corruptions.sampled(subset, 0)["B"]) == list(subset["B"])
    with pytest.raises(ValueError, match="-1 images cannot be drawn"):
        corruptions.sampled(subset, -1)


class Brightest(torch.nn.Module):
    """Says the class whose number is the mean brightness in steps of a sixteenth."""

    def forward(self, x):
        at = (16 * x.mean((1, 2, 3))).long().clamp(0, 15)
        return torch.nn.functional.one_hot(at, 16).float()


@pytest.fixture
def seen(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    monkeypatch.setattr(Network, "checkpoint_hash", lambda self: self.name)
    data = get_dataset("pictograms")
    images = data.images("validation").subset(range(6), "six")
    networks = [
        Network(name, Brightest, dataset="pictograms", architecture=name[0], n_classes=16)
        for name in ("A", "A2", "B")
    ]
    names = images.table["imagename"]
    subset = {"A": pd.Index(names[[0, 2, 4]]), "B": pd.Index(names[[2, 5]])}
    found = corruptions.on_corrupted(networks, data, images, subset, ("fog", "contrast"))
    return data, images, networks, subset, found


def test_each_network_sees_its_subset_under_every_corruption_and_severity(seen):
    data, images, _, subset, found = seen
    assert list(found) == [*OBSERVER, "distortion", "level", "imagename", "correct"]
    counts = found.groupby(["network", "distortion", "level"]).size().unstack(0)
    assert counts.index.tolist() == [(d, s) for d in ("contrast", "fog") for s in range(1, 6)]
    assert (counts[["A", "A2"]] == 3).all(axis=None) and (counts["B"] == 2).all()
    for architecture, names in subset.items():
        own = found[found["architecture"] == architecture]
        assert set(own["imagename"]) == set(names)
    made = corrupted(data, images, "fog")
    row = made.table.query("level == 4 and original == @images.table['imagename'][5]").index[0]
    said = Brightest()(made.load([row])).argmax().item() == made.table["label"][row]
    fits = found.query("network == 'B' and distortion == 'fog' and level == 4")
    assert fits.set_index("imagename")["correct"][images.table["imagename"][5]] == said


def test_results_are_kept_and_another_sample_is_another_result(seen, tmp_path):
    data, images, networks, subset, found = seen
    kept = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.csv")}
    assert len(kept) == 6, "a file a network and corruption"
    again = corruptions.on_corrupted(networks, data, images, subset, ("fog", "contrast"))
    pd.testing.assert_frame_equal(again, found)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.csv")} == kept
    less = {"A": subset["A"][:1]}
    corruptions.on_corrupted(networks[:1], data, images, less, ("fog",))
    assert len(list(tmp_path.rglob("*.csv"))) == 7


def test_without_images_there_is_an_empty_table(seen):
    data, images, networks, *_ = seen
    found = corruptions.on_corrupted(networks, data, images, {"A": pd.Index([])})
    assert found.empty and "correct" in found


# --- numbers --------------------------------------------------------------------------------------


def outcome(network, distortion, right, architecture="AlexNet", training="standard"):
    """Rows of a network; `right` has for each image how many of five severities it gets right."""
    return [
        {"network": network, "architecture": architecture, "training": training, "seed": 0,
         "distortion": distortion, "level": level, "imagename": f"i{i}", "correct": level <= k}
        for i, k in enumerate(right)
        for level in range(1, 6)
    ]  # fmt: skip


BY_HAND = pd.DataFrame(
    outcome("AlexNet", "fog", [5, 0])  # error 1/2
    + outcome("AlexNet", "snow", [3, 4])  # 3/10
    + outcome("AlexNet", "frost", [5, 5])  # 0: no ratio
    + outcome("AlexNet", "spatter", [0, 0])  # not of the 15
    + outcome("ResNet", "fog", [5, 4], "ResNet")  # 1/10 : 1/2 = 1/5
    + outcome("ResNet", "snow", [2, 2], "ResNet")  # 3/5 : 3/10 = 2
    + outcome("ResNet", "frost", [0, 0], "ResNet")
    + outcome("ResNet", "spatter", [5, 5], "ResNet")
)


ALL = ("fog", "snow", "frost", "spatter")


def test_means_by_hand():
    table = distorted.accuracy(
        corruptions.with_means(BY_HAND, {"both": ("fog", "snow"), "all": ALL, "15": MAIN})
    ).set_index(["network", "distortion"])
    found = table["accuracy"]
    assert found["AlexNet", "fog"] == 0.5 and found["ResNet", "snow"] == pytest.approx(0.4)
    assert found["AlexNet", "both"] == pytest.approx((0.5 + 0.7) / 2)
    assert ("AlexNet", "15") not in found, "most of them are not there"
    assert found["AlexNet", "all"] == pytest.approx((0.5 + 0.7 + 1 + 0) / 4)
    assert (
        (table["n"] == 2).all() and (table["low"] <= found).all() and (found <= table["high"]).all()
    )


def test_mce_by_hand():
    table = corruptions.corruption_errors(BY_HAND).set_index("network")
    assert table["mce"].to_dict() == pytest.approx({"AlexNet": 1, "ResNet": (0.2 + 2) / 2})
    assert (table.loc["AlexNet", ["low", "high"]] == 1).all(), "relative to itself, in every draw"
    assert table.loc["ResNet", "low"] < 1.1 < table.loc["ResNet", "high"]
    assert (table["n"] == 2).all()
    single = corruptions.corruption_errors(BY_HAND, names=("fog",)).set_index("network")
    assert single["mce"]["ResNet"] == pytest.approx(0.2)
    assert corruptions.corruption_errors(BY_HAND, reference="VGG").empty


def test_the_interval_of_mce_covers_a_known_ratio():
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        trials = pd.DataFrame(
            outcome("AlexNet", "fog", draw.binomial(5, 0.4, 80))
            + outcome("ResNet", "fog", draw.binomial(5, 0.7, 80), "ResNet")
        )
        row = corruptions.corruption_errors(trials, draws=200).iloc[1]
        covered += row["low"] <= 0.5 <= row["high"]
    assert 51 <= covered <= 60


# --- the paper's table ----------------------------------------------------------------------------


def test_the_papers_rows_are_complete():
    paper = reported("tableA1_corruptions")
    assert set(paper["distortion"]) == {*CORRUPTIONS, "mean"}
    assert len(paper) == 20 * 8 and paper["accuracy"].between(0, 100).all()
    one = paper.query("distortion == 'fog' and architecture == 'AlexNet' and training == 'robust'")
    assert one["accuracy"].tolist() == [1.64]


def test_its_mean_row_is_none_of_the_means_of_its_rows():
    means = tables.audit_means()
    wanted = {
        "mean of the 15": [35.30, 44.87, 58.14, 38.61, 49.75, 48.94, 55.63, 60.84],
        "mean of all 19": [34.28, 45.14, 56.83, 38.35, 49.57, 49.51, 56.04, 61.21],
        "mean of 18, without Spatter": [34.59, 45.91, 57.46, 38.79, 49.68, 49.95, 56.06, 61.25],
    }
    for row, values in wanted.items():
        assert means.loc[row].tolist() == pytest.approx(values, abs=0.011)
        assert (means.iloc[0] > means.loc[row] + 1).all()


def test_the_audit_says_what_is_found():
    said = tables.audit()
    for part in (
        "has 19 rows: the 15 of the benchmark and its 4 extra ones",
        "same in all 8 columns: Gaussian blur and Spatter.",
        "in 8 of 8 columns, by 1.24 to 2.88 points",
        "38 of 152 values are above",
        "47.73 for S and 44.14 for R",
        "ResNet advprop-pgd1 (49.53) are equal",
        "misses it by 0.40 points",
        "83.46, 73.01, 93.89, 68.15, 88.11, 83.63, 90.19, 90.71",
        "AlexNet +43.6, GoogLeNet -24.2, ResNet +6.3 points",
        "by its 15 rows AlexNet +9.57, GoogLeNet -19.53, ResNet -0.81",
    ):
        assert part in said
    assert re.findall(r"^- ", said, re.M) == ["- "] * 7


def test_no_set_of_its_rows_has_its_mean():
    miss, rows = tables.closest_mean()  # by brute force over 2^20 sets, worked out elsewhere
    assert miss == pytest.approx(0.40, abs=0.005) and 1 <= rows <= 20


def test_the_papers_table_is_shown_as_printed():
    shown = tables.paper_a1()
    assert shown.shape == (20, 8) and list(shown.index)[-1] == "mean, as printed"
    assert shown.loc["Fog", ("AlexNet", "robust")] == 1.64
    assert shown.iloc[-1].tolist() == [37.16, 47.34, 59.38, 40.34, 51.70, 51.72, 57.86, 62.80]


def with_the_same_as_fog(trials, names):
    """For each of these corruptions that is not among the trials: those of fog under its name."""
    fog = trials[trials["distortion"] == "fog"]
    return [fog.assign(distortion=n) for n in names if n not in set(trials["distortion"])]


def test_ours_stand_beside_the_papers():
    every = pd.concat([BY_HAND, *(with_the_same_as_fog(BY_HAND, CORRUPTIONS))])
    table = tables.table_a1(distorted.accuracy(corruptions.with_means(every, corruptions.MEANS)))
    assert list(table.columns) == [(n, w) for n in ("AlexNet", "ResNet") for w in ("here", "paper")]
    assert table.loc["Fog", ("AlexNet", "paper")] == 27.9
    assert table.loc["Fog", ("AlexNet", "here")].startswith("50.0 [")
    assert table.loc["mean of 15", ("ResNet", "paper")] == pytest.approx(49.75, abs=0.06)
    mine = BY_HAND.assign(architecture="own")
    alone = tables.table_a1(distorted.accuracy(mine))
    assert alone["ResNet", "paper"].isna().all(), "the paper has no such network"


def gained(trials):
    """The effects of trials on pictograms, whose corruptions all have a low frequency here."""
    spectra = pd.DataFrame({"distortion": list(CORRUPTIONS), "high": 0.01})
    return evidence.compared(evidence.accuracies(trials, get_dataset("pictograms"), spectra))


def test_gains_stand_beside_the_papers():
    trials = pd.DataFrame(
        outcome("AlexNet", "fog", [5, 3, 4])
        + outcome("AlexNet-R", "fog", [1, 0, 2], "AlexNet", "robust")
        + outcome("AlexNet-control", "fog", [5, 5, 5], "AlexNet", "control")
    )
    weather_alone = pd.concat(
        [trials, *with_the_same_as_fog(trials, corruptions.GROUPS["weather"])]
    )
    trials = pd.concat([trials, *with_the_same_as_fog(trials, CORRUPTIONS)])
    gains = tables.gains(gained(trials)).set_index(["against", "distortion"])
    assert gains.loc[("standard", "fog"), "difference"] == pytest.approx(-9 / 15)
    assert gains.loc[("control", "weather"), "difference"] == pytest.approx(-12 / 15)
    fog = 1.64 - 27.86
    weather = np.mean([(26.91 - 26.59), (13.85 - 21.46), fog, (62.67 - 77.61)])
    paper = gains.loc["standard", "paper"]
    assert paper[["fog", "weather", "mean of 15", "mean of 19"]].to_dict() == pytest.approx(
        {"fog": fog, "weather": weather, "mean of 15": 9.5773, "mean of 19": 10.8658}, abs=1e-3
    )
    assert gains.loc["control", "paper"].isna().all(), "the paper has no control"
    shown = tables.table_gains(gains.reset_index(), ["fog", "weather", "noise"])
    assert list(shown.columns) == [
        ("AlexNet", "R – S"), ("AlexNet", "R – S, paper"), ("AlexNet", "R – control"),
    ]  # fmt: skip
    assert shown.loc["Fog", ("AlexNet", "R – S")].startswith("-60.0 [")
    assert shown.loc["weather", ("AlexNet", "R – S, paper")] == round(weather, 1)
    alone = tables.table_gains(tables.gains(gained(weather_alone)), ["weather", "noise"])
    assert alone.loc["noise"].tolist()[::2] == ["–", "–"], "not measured"


def test_leads_by_severity_are_of_the_same_images():
    trials = pd.DataFrame(
        outcome("AlexNet", "fog", [5, 3, 4])
        + outcome("AlexNet-R", "fog", [1, 0, 2], "AlexNet", "robust")[:-5]  # not of the last
    )
    table = corruptions.leads(trials).set_index("level")
    assert (table["against"] == "standard").all() and (table["n"] == 2).all()
    assert table["difference"].to_dict() == pytest.approx({1: -0.5, 2: -1, 3: -1, 4: -0.5, 5: -0.5})
    assert (table.loc[[2, 3], ["low", "high"]] == -1).all(axis=None)
    half = 1.96 * 0.5  # two images, -1 and 0: a standard error of 1/2
    assert table.loc[1, "low"] == pytest.approx(-0.5 - half)


def test_what_all_networks_were_shown():
    some = BY_HAND[(BY_HAND["network"] == "AlexNet") | (BY_HAND["imagename"] == "i1")]
    assert set(corruptions.on_common(some)["imagename"]) == {"i1"}
    assert set(corruptions.on_common(some)["network"]) == {"AlexNet", "ResNet"}
    means = corruptions.over_severities(BY_HAND).set_index(["network", "distortion", "imagename"])
    assert means.loc[("AlexNet", "snow", "i1"), "correct"] == pytest.approx(0.8)


def test_mce_stands_beside_that_of_the_papers_table():
    shown = tables.table_mce(corruptions.corruption_errors(BY_HAND))
    rows = reported("tableA1_corruptions").query("training == 'standard'")
    rows = rows[rows["distortion"].isin(MAIN)]
    error = 100 - rows.pivot(index="distortion", columns="architecture", values="accuracy")
    wanted = 100 * (error["ResNet"] / error["AlexNet"]).mean()
    assert shown.loc["ResNet", "paper (%)"] == pytest.approx(wanted, abs=0.051)
    assert shown.loc["AlexNet"].tolist() == ["100.0 [100.0, 100.0]", 2, 100.0]


def test_a_network_without_a_partner_or_alexnet_has_no_leads_and_no_mce():
    alone = BY_HAND[BY_HAND["network"] == "ResNet"]
    assert tables.gains(gained(alone)).empty and corruptions.leads(alone).empty
    assert tables.table_gains(tables.gains(gained(alone)), ["fog"]).empty
    assert tables.table_mce(corruptions.corruption_errors(alone)).empty
    shown = tables.table_a1(distorted.accuracy(alone))
    assert shown.loc["Fog", ("ResNet", "here")].startswith("90.0 [")
