"""The doubts since the paper: each measure against what is known of made networks and images."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import nn

from shapebias_utils import results
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.measures import psychometric
from shapebias_utils.measures.doubts import (
    balance,
    blur,
    configural,
    consistency,
    frequency_conflict,
    reliance,
    response,
)
from shapebias_utils.measures.predictions import collect, predict
from shapebias_utils.measures.schema import OBSERVER, attributed
from shapebias_utils.measures.smoothness.spectra import gradient_spectrum, median_frequency
from shapebias_utils.networks import Network

RANDOM = torch.rand(70, 3, 24, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def own_results(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)


def image_set(pixels=RANDOM, categories=CATEGORIES, name="made") -> ImageSet:
    own = [categories[i % len(categories)] for i in range(len(pixels))]
    names = [f"{c}{i}-{categories[(i + 1) % len(categories)]}{i}.png" for i, c in enumerate(own)]
    labels = [CATEGORIES.index(c) for c in own]
    table = pd.DataFrame({"imagename": names, "category": own, "label": labels})
    return ImageSet(name, table, lambda rows: pixels[list(rows)], f"{name} {len(pixels)}")


def small_network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(32, 16),
    )  # fmt: skip


def record(name="S", build=small_network, training="standard", architecture="AlexNet"):
    facts = {"architecture": architecture, "training": training, "n_classes": 16}
    return Network(name, build, "pictograms", **facts)


# --- blur ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 3.0])
def test_the_blur_is_scipys(sigma):
    ours = blur.Blur(sigma)(RANDOM[:3])
    theirs = gaussian_filter(RANDOM[:3].double().numpy(), (0, 0, sigma, sigma), mode="mirror")
    np.testing.assert_allclose(ours.numpy(), theirs, atol=2e-6)


@pytest.mark.parametrize("kind, level", [("blur", 1.0), ("blur", 3.0), ("resizing", 2.0)])
def test_a_layer_before_the_network_is_the_same_as_changed_images(kind, level):
    """The last batch is filled up, and batches are channels last: neither may matter."""
    behind = record(build=lambda: nn.Sequential(blur.KINDS[kind](level), small_network()))
    by_layer = predict(behind, image_set())
    by_images = predict(record(), blur.low_passed(image_set(), kind, level))
    same = ["imagename", "object_response", "prediction"]
    pd.testing.assert_frame_equal(by_layer[same], by_images[same])
    if kind == "blur":  # to the last bit
        assert (by_layer["confidence"] == by_images["confidence"]).all()
    else:
        np.testing.assert_allclose(by_layer["confidence"], by_images["confidence"], atol=2e-6)


@pytest.mark.parametrize("kind", blur.KINDS)
def test_the_first_level_changes_nothing_and_a_constant_stays(kind):
    first, *others = blur.LEVELS[kind]
    assert torch.equal(blur.KINDS[kind](first)(RANDOM[:2]), RANDOM[:2])
    assert blur.low_passed(image_set(), kind, first).digest == image_set().digest
    for level in others:
        layer, grey = blur.KINDS[kind](level), torch.full((1, 3, 24, 24), 0.3)
        assert torch.allclose(layer(grey), grey, atol=1e-6)
        assert layer(RANDOM[:2]).std() < RANDOM[:2].std() * 0.9


def test_levels_and_their_order_have_digests_of_their_own():
    digests = [
        blur.low_passed(image_set(), k, v).digest for k in blur.KINDS for v in blur.LEVELS[k]
    ]
    assert len(set(digests)) == len(digests) - 1  # both first levels are the images as they are


@pytest.mark.parametrize(
    "target, level",
    [(0.95, 0.0), (0.9, 0.0), (0.89, 1.0), (0.7, 1.0), (0.5, 3.0), (0.39, np.nan)],
)
def test_the_level_of_equal_accuracy_is_the_first_that_is_no_better(target, level):
    table = pd.DataFrame({"level": [3.0, 0.0, 1.0], "accuracy": [0.4, 0.9, 0.7]})
    found = blur.level_of_equal_accuracy(table, target)
    assert found == level or (np.isnan(found) and np.isnan(level))


def trials(network, training, level, right, kind="blur", decided=(), n=10):
    names = [f"cat{i}-dog{i}.png" for i in range(n)]
    table = pd.DataFrame({"imagename": names, "correct": [i < right for i in range(n)]})
    said = [*decided, *["oven"] * n][:n]
    facts = dict(zip(OBSERVER, (network, "AlexNet", training, 0), strict=True))
    return table.assign(object_response=said, kind=kind, level=level, **facts)


def test_r_is_compared_with_s_at_the_blur_that_costs_as_much():
    photographs = pd.concat([
        trials("S", "standard", 0.0, 9), trials("S", "standard", 1.0, 7),
        trials("S", "standard", 2.0, 5), trials("R", "robust", 0.0, 7),
        trials("R", "robust", 1.0, 2),
    ])  # fmt: skip
    (row,) = blur.equal_accuracy(photographs).itertuples()
    assert (row.network, row.level, row.accuracy, row.target) == ("S", 1.0, 0.7, 0.7)
    conflict = pd.concat([
        trials("S", "standard", level, 0, decided=["cat"] * k + ["dog"] * (8 - k))
        for level, k in ((0.0, 1), (1.0, 3), (2.0, 5))
    ] + [
        trials("R", "robust", 0.0, 0, decided=["cat"] * 6), trials("R", "robust", 1.0, 0),
    ])  # fmt: skip
    found = blur.at_levels(conflict, blur.equal_accuracy(photographs), "blur")
    by_shape = found[found["decided"] == "shape"].groupby("network").size()
    assert by_shape.to_dict() == {"R": 6, "S": 3} and len(found) == 20
    curve = blur.curve(conflict, photographs).set_index(["network", "level"])
    assert curve.loc[("S", 1.0), "shape_bias"] == 3 / 8 and curve.loc[("S", 1.0), "coverage"] == 0.8
    assert curve.loc[("R", 0.0), ["accuracy", "shape_bias"]].tolist() == [0.7, 1.0]
    without_r = photographs[photographs["training"] == "standard"]
    assert blur.equal_accuracy(without_r).empty


class Pixels(nn.Module):
    """Its margin between two classes is a fixed image of noise times the image: so is its gradient,
    wherever it is taken."""

    def __init__(self) -> None:
        super().__init__()
        noise = torch.randn(1, 3, 24, 24, generator=torch.Generator().manual_seed(2))
        self.register_buffer("weights", noise)

    def forward(self, x):
        one = (x * self.weights).sum((1, 2, 3))
        return torch.stack([one, -one], 1)


def spectrum(*layers: nn.Module) -> pd.DataFrame:
    images = image_set(RANDOM[:8], CATEGORIES[:2])
    network = replace(record(build=lambda: nn.Sequential(*layers, Pixels())), n_classes=2)
    return attributed(gradient_spectrum(network, images), network)


@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_the_response_behind_a_blur_is_that_of_the_network_behind_it(sigma):
    worked_out = response.behind_blur(spectrum(), sigma)
    measured = spectrum(blur.Blur(sigma))
    np.testing.assert_allclose(worked_out["share"], measured["share"], atol=0.03)
    medians = [median_frequency(t)["frequency"].item() for t in (worked_out, measured)]
    assert medians[0] == pytest.approx(medians[1], abs=0.01)
    assert medians[0] < median_frequency(spectrum())["frequency"].item() - 0.05


def test_s_is_blurred_until_it_responds_to_no_higher_frequencies_than_r():
    plain, sigma = spectrum(), 1.0
    r = response.behind_blur(plain, sigma).assign(network="R", training="robust")
    spectra = pd.concat([plain, r, plain.assign(network="C", training="control")])
    found = response.equal_response(spectra).set_index("network")
    assert found["level"].to_dict() == {"S": sigma, "C": sigma}
    assert found.loc["S", "then"] == found.loc["S", "target"] < found.loc["S", "frequency"]
    assert response.equal_response(spectra, levels=(0.0, 0.5))["level"].isna().all()
    assert response.equal_response(plain).empty and response.equal_response(plain[:0]).empty


@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_s_behind_a_blur_says_what_s_says_of_blurred_images(sigma):
    behind = response.blurred(record(), sigma)
    by_images = predict(record(), blur.low_passed(image_set(), "blur", sigma))
    assert (predict(behind, image_set())["confidence"] == by_images["confidence"]).all()
    assert (behind.name, behind.training) == ("S, blurred", response.BLURRED)
    assert behind.checkpoint_hash() != response.blurred(record(), 2.0).checkpoint_hash()


def test_images_are_changed_once_for_all_networks(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    calls = []

    def load(rows):
        calls.append(tuple(rows))
        return RANDOM[list(rows)]

    networks = [record(), record("R", lambda: small_network(1), "robust")]
    collect(networks, replace(image_set(), load=load))
    assert len(calls) == len(set(calls)) > 0


def test_images_are_held_as_long_as_there_is_room():
    calls = []

    def load(rows):
        calls.append(tuple(rows))
        return RANDOM[list(rows)]

    batch = RANDOM[[0, 1]].nbytes
    images = replace(image_set(), load=load).held(most=batch)
    images.load([0, 1]).zero_()  # what is done to them is done to the caller's own
    assert images.load([0, 1]).equal(RANDOM[[0, 1]])
    for _ in range(2):
        assert images.load([2, 3]).equal(RANDOM[[2, 3]])
    assert calls == [(0, 1), (2, 3), (2, 3)]


# --- reliance, configuration ----------------------------------------------------------------------


def test_what_is_lost_without_a_cue_by_hand():
    def of(cue, right):
        return trials("S", "standard", 0, right).assign(without=cue)

    found = reliance.lost(pd.concat([of("nothing", 8), of("texture", 6), of("colour", 9)]))
    sums = found.groupby("without")[["value", "weight"]].sum()
    shares = sums["value"] / sums["weight"]
    assert shares["texture"] == pytest.approx(2 / 8) and shares["colour"] == pytest.approx(-1 / 8)


class Colour(nn.Module):
    """Decides by the mean of red less green, and by nothing else."""

    def forward(self, x):
        redness = (x[:, 0] - x[:, 1]).mean((1, 2))
        logits = torch.zeros(len(x), 16)
        logits[:, CATEGORIES.index("cat")] = 100 * redness
        logits[:, CATEGORIES.index("dog")] = -100 * redness
        return logits


def test_a_network_of_colour_alone_relies_on_colour_alone():
    pixels = 0.2 + 0.3 * torch.rand(20, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    pixels[::2, 0] += 0.3
    pixels[1::2, 1] += 0.3
    plain = replace(get_dataset("pictograms"), renditions={}, rearranged={})
    found = reliance.without_each([record(build=Colour)], plain, image_set(pixels, ("cat", "dog")))
    right = found.groupby("without")["correct"].mean()
    cues = {"nothing", "local shape", "global shape", "texture"}
    assert (right[list(cues)] == 1).all() and right["colour"] <= 0.5
    assert set(right.index) == cues | {"colour"}


def test_where_shape_is_drawn_it_is_taken_before_painting():
    dataset = get_dataset("pictograms")
    seen = {cue: lambda images, cue=cue: replace(images, name=cue) for cue in dataset.rearranged}
    drawn = reliance.suppressions(replace(dataset, rearranged=seen))
    images = image_set(RANDOM)
    assert drawn["local shape"](images).name == "local shape"
    assert drawn["global shape"](images).name == "global shape"
    assert drawn["nothing"](images) is images
    assert set(drawn) == {"nothing", *reliance.ANY_IMAGE, reliance.SMOOTHED}
    bare = replace(dataset, renditions={}, rearranged={})
    assert not configural.can_be_drawn(bare) and configural.can_be_drawn(dataset)
    assert configural.parts_moved([record()], bare, images).empty
    assert configural.parts_or_arrangement([record()], bare, images).empty
    assert balance.each_alone([record()], bare, images).empty


def test_parts_are_moved_with_their_texture_and_without():
    dataset = get_dataset("pictograms")
    drawn = {name: lambda images, name=name: replace(images, name=name, digest=name)
             for name in dataset.rearranged}  # fmt: skip
    made, images = replace(dataset, rearranged=drawn), image_set(RANDOM[:4])
    moved = configural.parts_moved([record()], made, images)
    shown = moved.groupby(["kind", "without"])["condition"].unique().str[0].to_dict()
    assert shown == {
        ("untextured", "nothing"): "untextured",
        ("untextured", "arrangement"): "untextured, parts moved",
        ("textured", "nothing"): "made",
        ("textured", "arrangement"): "parts moved",
    }
    alone = balance.each_alone([record()], made, images)
    assert alone.groupby("cue")["condition"].unique().str[0].to_dict() == balance.ALONE


# --- balance --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after, by_shape, by_texture",
    [
        ((20, 20), (60, 20), 0.25, 0.0),  # .5 to .75, by shape alone
        ((20, 60), (20, 20), 0.0, 0.25),  # .25 to .5, by texture alone
        ((30, 30), (30, 30), 0.0, 0.0),
        ((10, 30), (30, 10), 0.25, 0.25),  # symmetric
    ],
)
def test_the_parts_of_a_difference_by_hand(before, after, by_shape, by_texture):
    assert balance.split_up(before, after) == pytest.approx((by_shape, by_texture))


@given(st.tuples(*[st.integers(1, 200)] * 4))
def test_the_parts_add_up_and_have_the_sign_of_their_change(counts):
    s0, t0, s1, t1 = counts
    by_shape, by_texture = balance.split_up((s0, t0), (s1, t1))
    assert by_shape + by_texture == pytest.approx(s1 / (s1 + t1) - s0 / (s0 + t0))
    assert np.sign(round(by_shape, 12)) == np.sign(s1 - s0)
    assert np.sign(round(by_texture, 12)) == np.sign(t0 - t1)


def test_gains_of_r_over_s_with_intervals():
    both = pd.concat([
        trials("S", "standard", 0, 0, decided=["cat"] * 100 + ["dog"] * 300, n=500),
        trials("R", "robust", 0, 0, decided=["cat"] * 300 + ["dog"] * 100, n=500),
    ])  # fmt: skip
    (row,) = balance.gains(both).itertuples()
    assert (row.against, row.n) == ("standard", 500)
    assert row.difference == pytest.approx(0.5) and row.by_shape == pytest.approx(0.25)
    assert row.by_shape_low < 0.25 < row.by_shape_high < 0.35
    assert balance.gains(both[both["training"] == "robust"]).empty


class Says(nn.Module):
    """Its logits are the first pixels of the image."""

    def forward(self, x):
        return x[:, 0, 0, :16]


def test_reciprocal_ranks_image_by_image():
    pixels = torch.zeros(2, 3, 16, 16)
    shape, texture, third = (CATEGORIES.index(c) for c in ("cat", "dog", "oven"))
    for i, row in enumerate(((3, 1, 2), (1, 3, 2))):
        for at, value in zip((shape, texture, third), row, strict=True):
            pixels[i, 0, 0, at] = value / 3
    images = image_set(pixels, ("cat", "dog")).subset([0], "one")
    names = ["cat1-dog1.png", "cat2-dog2.png"]
    images = ImageSet("two", pd.DataFrame({"imagename": names, "category": "cat", "label": -1}),
                      lambda rows: pixels[list(rows)], "two")  # fmt: skip
    found = balance.reciprocal_ranks([record(build=Says)], images)
    wide = found.pivot(index="imagename", columns="cue", values="value")
    np.testing.assert_allclose(wide["shape"], [1, 1 / 3])
    np.testing.assert_allclose(wide["texture"], [1 / 3, 1])


# --- frequencies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cutoff", frequency_conflict.CUTOFFS[:3])
def test_at_the_cutoff_the_low_image_has_half_of_its_amplitude(cutoff):
    size = 64
    x = 0.5 + 0.4 * torch.sin(2 * torch.pi * cutoff * (torch.arange(size) + 0.5) / size)
    wave = x.expand(1, 1, size, size)
    low = blur.Blur(frequency_conflict.deviation(cutoff, size))(wave)
    middle = low[0, 0, size // 2, size // 4 : -size // 4]
    assert float(middle.max() - middle.min()) / 0.8 == pytest.approx(0.5, abs=0.08)


def test_hybrids_keep_the_low_of_one_and_the_high_of_the_other():
    images = image_set(0.4 + 0.2 * RANDOM)
    made = frequency_conflict.hybrids(images, 4)
    low, high = frequency_conflict.partners(images.table)
    layer = blur.Blur(frequency_conflict.deviation(4, 24))
    a, b = (images.load(which[:5]) for which in (low, high))
    expected = layer(a) + (b - layer(b))
    assert torch.allclose(made.load(range(5)), expected, atol=1e-6)  # nothing is clipped here
    for a, b, row in zip(low, high, made.table.itertuples(), strict=True):
        assert images.table["category"][a] == row.category
        assert images.table["category"][b] == row.texture_category != row.category
        assert row.imagename.startswith(row.category)
    assert made.table["imagename"].is_unique and made.digest != images.digest
    with pytest.raises(ValueError, match="1 category make no conflict"):
        frequency_conflict.partners(pd.DataFrame({"category": ["cat", "cat", ""]}))


def test_each_image_is_high_about_as_often_as_it_is_low_and_pairs_are_balanced():
    table = pd.DataFrame({"category": [c for c in CATEGORIES for _ in range(15)]})
    low, high = frequency_conflict.partners(table)
    assert sorted(low) == list(range(240)) and np.bincount(high).tolist() == [1] * 240
    pairs = {(low_ // 15, high_ // 15) for low_, high_ in zip(low, high, strict=True)}
    assert len(pairs) == 240


class Coarse(nn.Module):
    """Decides by the mean grey: light is cat, dark is dog. Only the lowest frequency counts."""

    def forward(self, x):
        light = x.mean((1, 2, 3)) - 0.5
        logits = torch.zeros(len(x), 16)
        logits[:, CATEGORIES.index("cat")] = 100 * light
        logits[:, CATEGORIES.index("dog")] = -100 * light
        return logits


def test_an_observer_of_the_mean_goes_by_the_low_frequencies_at_every_cutoff():
    pixels = 0.2 * torch.rand(12, 3, 32, 32, generator=torch.Generator().manual_seed(2)) + 0.2
    pixels[::2] += 0.4
    found = frequency_conflict.along(
        [record(build=Coarse)], image_set(pixels, ("cat", "dog")), (2, 8)
    )
    curves = psychometric.curves(found)
    assert (curves["shape_bias"] == 1).all() and set(curves["level"]) == {2.0, 8.0}


# --- error consistency ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first, second, expected",
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], 1.0),
        ([1, 1, 0, 0], [0, 0, 1, 1], -1.0),
        ([1, 1, 0, 0], [1, 0, 1, 0], 0.0),  # as independent ones
        ([1, 1, 1, 0], [1, 1, 0, 0], 0.5),  # agreed .75, expected .75 * .5 + .25 * .5 = .5
        ([1, 1, 1, 1], [1, 1, 1, 1], np.nan),  # always right: nothing to be told
    ],
)
def test_kappa_in_closed_form(first, second, expected):
    np.testing.assert_allclose(consistency.kappa(first, second)[0], expected, atol=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
@settings(max_examples=60)
def test_kappa_is_that_of_the_table_of_counts(pairs):
    """Cohen's own form: from the 2 x 2 table, 2 (ad - bc) / ((a+b)(b+d) + (a+c)(c+d))."""
    first, second = (np.array(x, int) for x in zip(*pairs, strict=True))
    a, b, c, d = (((first == i) & (second == j)).sum() for i in (1, 0) for j in (1, 0))
    below = (a + b) * (b + d) + (a + c) * (c + d)
    expected = 2 * (a * d - b * c) / below if below else np.nan
    found = consistency.kappa(first, second)[0]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(consistency.kappa(second, first)[0], expected, atol=1e-12)


def deciders(n=400, shared=0.7, accuracy=0.6, count=3, seed=0):
    """Observers that share a part of their luck: what they decide on n conflict images."""
    rng = np.random.default_rng(seed)
    common, tables = rng.random(n), []
    for k in range(count):
        luck = np.where(rng.random(n) < shared, common, rng.random(n))
        said = np.where(luck < accuracy, "cat", "dog")
        facts = dict(zip(OBSERVER, (f"N{k}", f"A{k}", "standard", 0), strict=True))
        names = [f"cat{i}-dog{i}.png" for i in range(n)]
        tables.append(pd.DataFrame({"imagename": names, "object_response": said, **facts}))
    return pd.concat(tables, ignore_index=True)


def test_what_observers_share_is_found_within_its_interval():
    right = consistency.right_by_shape(deciders(n=3000))
    pairs = consistency.within(list(right.columns))
    (row,) = consistency.pairwise(right, {"all": pairs}).itertuples()
    # Both draw the common luck with probability .7 * .7, and are independent otherwise.
    assert row.low < 0.49 < row.high and row.high - row.low < 0.1
    assert (row.pairs, row.n) == (3, 3000)
    assert row.observed == pytest.approx(row.expected + row.kappa * (1 - row.expected), abs=0.01)


def test_only_images_that_all_of_a_group_have_seen_count():
    trials = deciders(n=50)
    trials = trials[~((trials["network"] == "N1") & (trials.index % 2 == 0))]
    right = consistency.right_by_shape(trials)
    columns = list(right.columns)
    table = consistency.pairwise(
        right,
        {"first two": consistency.between(columns[:1], columns[1:2]),
         "others": consistency.between(columns[:1], columns[2:]), "nobody": []},
    )  # fmt: skip
    assert table.set_index("group")["n"].to_dict() == {"first two": 25, "others": 50}


def test_the_observations_of_consistency_are_the_mean_kappa():
    trials = deciders()
    found = consistency.with_the_others(trials).groupby("network")[["value", "weight"]].sum()
    right = consistency.right_by_shape(trials)
    for name in ("N0", "N1", "N2"):
        others = [k for k in right if k[0] != name]
        kappas = [consistency.kappa(right[name, 0], right[k])[0] for k in others]
        value = found.loc[name, "value"] / found.loc[name, "weight"]
        assert value == pytest.approx(np.mean(kappas), abs=0.01)
    assert consistency.with_the_others(trials[trials["network"] == "N0"]).empty


def test_a_stimulus_is_known_under_the_names_of_trials_too():
    trials = deciders(n=5, count=1)
    human = trials.assign(
        network="subject-01", imagename="0001_s5n_s01_0_bird_00_" + trials["imagename"]
    )
    right = consistency.right_by_shape(pd.concat([trials, human]))
    assert right.shape == (5, 2) and right.notna().all(axis=None)
    assert (right["N0", 0] == right["subject-01", 0]).all()
