"""Network dissection: counts by hand and by brute force, the same for any order and share-out."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.dissection import CATEGORIES, CORNER, IOU, MAP, PIXELS, THRESHOLD
from torch import nn

from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.hooks import record
from shapebias_utils.measures.dissection import counts as counts_module
from shapebias_utils.measures.dissection import dissect as dissect_module
from shapebias_utils.measures.dissection import sparse
from shapebias_utils.measures.dissection.counts import Counts, Labels, iou, read_labels, tally
from shapebias_utils.measures.dissection.detectors import (
    count_detectors,
    mismatched,
    unit_labels,
    untrained,
)
from shapebias_utils.measures.dissection.dissect import dissect, groups
from shapebias_utils.measures.dissection.masks import masks
from shapebias_utils.measures.dissection.rules import PRESETS, Rules, rules_of
from shapebias_utils.measures.dissection.thresholds import (
    RunningTop,
    kth_largest,
    position,
    thresholds,
)
from shapebias_utils.measures.dissection.upsampling import (
    GEOMETRIES,
    active,
    coordinates,
    grid,
    receptive_centres,
)
from shapebias_utils.networks import Network, get_networks, zoo
from shapebias_utils.networks.normalised import normalised

HALF = Rules(geometry="half-pixel")
ABOUT = {"network": "N", "architecture": "N", "training": "standard", "seed": 0}


class Echo(nn.Module):
    """A network whose one layer shows the image itself, channel by channel."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Identity()

    def forward(self, x):
        return self.map(x).flatten(1)


ECHO = Network("Echo", Echo, layers={"map": "map"}, n_classes=1)


def concept_set(maps, planes, whole, categories) -> ConceptSet:
    """Images that are their own activation maps, with these labels; label i is named "c<i>"."""
    maps = torch.as_tensor(np.asarray(maps, np.float32))
    planes, whole = np.asarray(planes, np.uint16), np.asarray(whole, np.uint16)
    names = [f"image{i}.png" for i in range(len(maps))]
    images = ImageSet("toy", pd.DataFrame({"imagename": names}), lambda r: maps[list(r)], "d")
    numbers = list(categories)
    table = pd.DataFrame(
        {
            "number": numbers,
            "name": [f"c{i}" for i in numbers],
            "category": list(categories.values()),
        }
    )
    return ConceptSet(images, table, lambda r: (planes[list(r)], whole[list(r)]), "l")


def shuffled(concepts: ConceptSet, order) -> ConceptSet:
    return replace(concepts.subset(order, "toy"), label_digest="shuffled")


# --- cases by hand: a map whose mask on 4x4 labels has 6 pixels, 3.2 being the threshold ----------


def by_hand(planes, whole, rules=HALF, threshold=THRESHOLD):
    """IoU of each label with the one unit, pixels in both, and labelled pixels."""
    n = len(planes)
    concepts = concept_set([MAP] * n, planes, whole, CATEGORIES)
    labels = read_labels(concepts, list(range(n)), (4, 4), rules)
    maps = concepts.images.load(range(n))
    laid = grid(rules.geometry, (4, 4), (2, 2), (4, 4), ((2, 0.5), (2, 0.5)))
    both, masks = tally(maps, torch.tensor([threshold]), laid, labels, rules)
    labelled = labels.pixels.sum(0)
    values = iou(both.numpy(), masks.numpy(), labelled.numpy(), labels.category.numpy(), rules)
    return values[0], both[0].tolist(), labelled.tolist()


@pytest.mark.parametrize("geometry, centre", PIXELS)
def test_how_many_pixels_the_map_covers(geometry, centre):
    laid = grid(geometry, (4, 4), (2, 2), (4, 4), centre and (centre, centre))
    found = active(torch.tensor([MAP]).float(), torch.tensor([THRESHOLD]), laid)[0]
    assert len(found) == PIXELS[geometry, centre]


@pytest.mark.parametrize("planes, whole, rules, expected", IOU.values(), ids=IOU)
def test_iou_by_hand(planes, whole, rules, expected):
    values, _, _ = by_hand(planes, whole, replace(HALF, **rules))
    assert {k: values[k] for k in expected} == pytest.approx(expected, abs=0)
    assert set(values.nonzero()[0]) == {k for k, v in expected.items() if v}


def test_a_repeated_label_counts_once_or_twice():  # H7
    assert [x[6] for x in by_hand([[CORNER * 6] * 2], [[0]])[1:]] == [6, 9]
    assert [x[6] for x in by_hand([[CORNER * 6] * 2], [[0]], replace(HALF, twice=True))[1:]] == [
        12,
        18,
    ]


def test_a_threshold_that_nothing_exceeds_leaves_a_unit_without_label():  # H8
    values, both, _ = by_hand([[CORNER]], [[3]], threshold=16)
    assert not values.any() and not any(both)
    table = dissect(ECHO, concept_set([MAP], [[CORNER]], [[3]], CATEGORIES), rules=HALF)
    (row,) = table.to_dict("records")  # the largest of 4 values is the threshold
    assert (row["threshold"], row["iou"], row["intersection"]) == (16, 0, 0)
    assert pd.isna(row["concept"]) and pd.isna(row["category"])


@pytest.mark.parametrize(
    "rules, counts",
    [
        (("best category", 0.04, False), {"object": 0, "part": 1}),
        (("per category", 0.04, False), {"object": 1, "part": 1}),
        (("best category", 0.06, False), {"object": 0, "part": 0}),
        (("best category", 0.06, True), {"object": 0, "part": 1}),
        (("all", 0.9, False), {"object": 0, "part": 2}),
    ],
)
def test_who_is_a_detector(rules, counts):  # H11, H12, H16
    rows = [(0, "object", 0.05), (0, "part", 0.06), (1, "part", 0.01), (2, None, 0.0)]
    table = pd.DataFrame(rows, columns=["unit", "category", "iou"])
    table = table.assign(layer="conv1", concept=table["category"], **ABOUT)
    found = count_detectors(table, *rules)
    assert found.set_index("category")["count"].to_dict() == counts
    assert (found["n"] == 3).all(), "the channel without a label is one"


def test_an_iou_of_exactly_the_threshold():  # H11: 1 pixel of 25
    both, masks, labelled = np.array([[0, 1]]), np.array([[0, 13]]), np.array([0, 13])
    value = iou(both, masks, labelled, np.array([0, 1]), Rules())[0, 1]
    with_epsilon = iou(both, masks, labelled, np.array([0, 1]), PRESETS["netdissect_lite"])[0, 1]
    assert value == 0.04 and with_epsilon < 0.04


def test_more_pixels_than_a_float32_can_count():  # H20
    both = np.array([[0, 17_000_001]])
    value = iou(both, both, both[0] + 1, np.array([0, 1]), Rules())[0, 1]
    assert value == 17_000_001 / 17_000_002


def test_what_is_listed_besides_the_best():
    """A mask of 50 pixels: 50 of a union of 99 with c1, 1 of 99 with c2, 1 of 101 with c3."""
    concepts = concept_set([MAP], [[CORNER]], [[0]], dict.fromkeys(range(1, 4), "object")).concepts
    both, labelled = torch.tensor([[[0, 50, 1, 1]]]), torch.tensor([[0, 99, 50, 52]])
    counts = Counts(labelled, {"a": both}, {"a": torch.tensor([[[0, 50]]])})
    listed = counts_module.table(counts, "a", concepts, Rules(), draws=0)
    assert listed["concept"].tolist() == ["c1", "c2"]
    assert listed["iou"].tolist() == pytest.approx([50 / 99, 1 / 99])


@pytest.mark.parametrize("images, kind", [(2**27 - 1, torch.int32), (2**27, torch.int64)])
def test_counts_are_as_wide_as_the_images_need(images, kind):
    """Each has 16 pixels in one plane, all of which may count."""

    class Many(ConceptSet):
        def __len__(self):
            return images

    few = concept_set([MAP], [[CORNER]], np.zeros((1, 0)), CATEGORIES)
    many = Many(few.images, few.concepts, few.labels, few.label_digest)
    counts = Counts.zeros(many, [0], {"a": 2}, 3)
    assert counts.both["a"].dtype == kind and counts.both["a"].shape == (3, 2, 7)


# --- thresholds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "top, rule, expected, above",
    [
        (0.005, "exact", 994, 5),
        (5 / 999, "linear", 994, 5),
        (5 / 999, "hazen", 994.495, 5),
    ],
)
def test_thresholds_of_0_to_999(top, rule, expected, above):  # H9
    values = torch.arange(1000.0)[torch.randperm(1000, generator=torch.manual_seed(0))][None]
    at = position(1000, top, rule)
    running = RunningTop(1, int(at) + 2)
    running.push(values)
    found = thresholds(running, at)
    assert found.item() == pytest.approx(expected, abs=1e-4)
    assert int((values > found).sum()) == above
    if rule == "linear":
        assert found.item() == np.quantile(values.numpy(), 1 - top)
    if rule == "hazen":
        assert found.item() == pytest.approx(np.quantile(values.numpy(), 1 - top, method="hazen"))


def test_a_unit_that_is_seldom_active_has_the_threshold_zero():  # H10
    values = torch.zeros(1, 1000)
    values[0, [3, 500, 999]] = torch.tensor([1.0, 2.0, 3.0])
    running = RunningTop(1, 7)
    running.push(values)
    found = thresholds(running, position(1000, 0.005))
    assert found.item() == 0 and int((values > found).sum()) == 3


@given(
    st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=60),
    st.integers(0, 59),
    st.integers(1, 20),
)
def test_the_running_top_is_what_sorting_finds(values, k, size):  # H19
    k = min(k, len(values) - 1)
    x = torch.tensor([values, values[::-1]])
    running = RunningTop(2, k + 1)
    running.room = k + 1 + size  # so that it often has to let go of values
    running.values = running.values[:, : running.room].clone()
    for chunk in x.split(size, dim=1):
        running.push(chunk)
    expected = x.sort(1, descending=True).values[:, k]
    assert torch.equal(thresholds(running, k), expected)
    assert torch.equal(kth_largest(x, k), expected)


def test_the_exact_rule_is_exceeded_by_no_more_than_the_share():
    for n in (1, 199, 200, 201, 4600, 10_007):
        assert position(n, 0.005) == n * 5 // 1000
    with pytest.raises(ValueError, match="unknown quantile rule 'median'; choose exact"):
        position(10, 0.005, "median")


def test_channels_are_cut_into_groups_that_fit_into_memory():
    sizes = {"conv1": (64, 10), "conv2": (3, 300), "conv3": (1, 5000)}
    found = groups(sizes, 1000)
    assert found == [
        {"conv1": slice(0, 64), "conv2": slice(0, 1)},
        {"conv2": slice(1, 3)},
        {"conv3": slice(0, 1)},
    ]
    assert groups(sizes, 1e9) == [{k: slice(0, n) for k, (n, _) in sizes.items()}]


# --- brute force ----------------------------------------------------------------------------------


def brute_force(maps, planes, whole, categories, rules, centre, image):
    """Pixels of unit and label, label's, and unit's in images of the label's category; thresholds.

    One pixel at a time, from sorted activations and maps upsampled in full.
    """
    n, units, h, w = maps.shape
    height, width = planes.shape[2:]
    names = sorted(set(categories.values()))
    t = np.empty(units, np.float32)
    for u in range(units):
        values = np.sort(maps[:, u].ravel())[::-1]
        t[u] = values[int(values.size * 5) // 1000 if rules.top == 0.005 else values.size // 10]

    def coordinate(i, size, m, side):
        if rules.geometry == "half-pixel":
            return (i + 0.5) * m / size - 0.5
        if rules.geometry == "align-corners":
            return i * (m - 1) / max(size - 1, 1)
        return ((i + 0.5) * side / size - 0.5 - centre[1]) / centre[0]

    def at(map_, y, x):
        y0, x0 = int(np.floor(y)), int(np.floor(x))
        wy, wx = np.float32(y - y0), np.float32(x - x0)
        rows = [min(max(y0 + d, 0), h - 1) for d in (0, 1)]
        columns = [min(max(x0 + d, 0), w - 1) for d in (0, 1)]
        line = [
            (map_[r, columns[1]] - map_[r, columns[0]]) * wx + map_[r, columns[0]] for r in rows
        ]
        return (line[1] - line[0]) * wy + line[0]

    both = dict.fromkeys([(u, k) for u in range(units) for k in categories], 0)
    masks = dict.fromkeys([(u, c) for u in range(units) for c in names], 0)
    labelled = dict.fromkeys(categories, 0)
    for i in range(n):
        every = set(whole[i])
        sets = [[every | set(planes[i, :, y, x]) for x in range(width)] for y in range(height)]
        flat = set().union(*(s for line in sets for s in line)) - {0}
        for line in sets:
            for labels in line:
                for k in labels - {0}:
                    labelled[k] += 1
        for u in range(units):
            mask = [
                (y, x)
                for y in range(height)
                for x in range(width)
                if at(
                    maps[i, u], coordinate(y, height, h, image), coordinate(x, width, w, image)
                ) > t[u]
            ]  # fmt: skip
            met = set().union(*(sets[y][x] for y, x in mask)) - {0} if mask else set()
            for y, x in mask:
                for k in sets[y][x] - {0}:
                    both[u, k] += 1
            for c in {categories[k] for k in (met if rules.present == "lite" else flat)}:
                masks[u, c] += len(mask)
    return both, masks, labelled, t


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**31),
    geometry=st.sampled_from(GEOMETRIES),
    present=st.sampled_from(["paper", "lite"]),
    sizes=st.tuples(st.integers(1, 5), st.integers(5, 9), st.integers(1, 4), st.integers(1, 6)),
)
def test_counts_are_those_of_brute_force(seed, geometry, present, sizes):
    side, label_side, images, units = sizes
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, 9, (images, units, side, side)).astype(np.float32) / 4
    categories = {1: "object", 2: "part", 4: "object", 5: "scene", 7: "part"}
    known = np.array([0, *categories])
    planes = known[rng.integers(0, 6, (images, 3, label_side, label_side))]
    whole = known[rng.integers(0, 6, (images, 2)) * (rng.random((images, 2)) < 0.4)]
    rules = Rules(top=0.1, geometry=geometry, present=present)
    concepts = concept_set(maps, planes, whole, categories)
    # The one layer shows the image itself, whose pixels are their own receptive fields.
    expected = brute_force(maps, planes, whole, categories, rules, (1, 0), side)
    found = dissect(ECHO, concepts, rules=rules, blocks=3, draws=2)
    both, masks, labelled, threshold = expected
    assert (found["images"] == images).all()
    assert found.groupby("unit")["threshold"].first().tolist() == threshold.tolist()
    best = dict.fromkeys([(u, c) for u in range(units) for c in set(categories.values())], 0)
    listed = {}
    for row in found.dropna(subset=["concept"]).itertuples():
        k = int(row.concept[1:])
        assert row.category == categories[k]
        assert row.intersection == both[row.unit, k] > 0
        assert row.activated == masks[row.unit, row.category]
        assert row.labelled == labelled[k]
        union = row.activated + row.labelled - row.intersection
        assert row.iou == row.intersection / union
        listed[row.unit, k] = row.iou
        best[row.unit, row.category] = max(best[row.unit, row.category], row.iou)
    for (u, k), pixels in both.items():
        if (u, k) not in listed and pixels:
            value = pixels / (masks[u, categories[k]] + labelled[k] - pixels)
            assert value < 0.01 and value <= best[u, categories[k]]
    assert set(found["unit"]) == set(range(units))


def upsampled(maps: np.ndarray, geometry: str, shape: tuple, image: tuple) -> np.ndarray:
    """Maps (N, units, h, w) laid on labels of `shape` in full: along rows, then along columns."""
    for axis in (3, 2):
        n, size = maps.shape[axis], shape[axis - 2]
        at = coordinates(geometry, size, n, image[axis - 2], (2.0, 0.5)).numpy()
        low = np.floor(at).astype(int)
        weight = (at - low).astype(np.float32).reshape(-1, *[1] * (3 - axis))
        first, last = (maps.take((low + d).clip(0, n - 1), axis=axis) for d in (0, 1))
        maps = (last - first) * weight + first
    return maps


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    geometry=st.sampled_from(GEOMETRIES),
    present=st.sampled_from(["paper", "lite"]),
    side=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    label_side=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    kind=st.sampled_from(["ties", "constant", "all", "none", "smooth"]),
    small=st.sampled_from([1, 30, 1 << 20]),
)
def test_tallies_are_those_of_maps_upsampled_in_full(
    seed, geometry, present, side, label_side, kind, small
):
    """Each pixel of each mask once, and the counts that follow, whatever the blocks' sizes."""
    if geometry == "half-pixel":  # else they are shrunk
        label_side = tuple(map(max, side, label_side))
    rng = np.random.default_rng(seed)
    n, units, image = 3, 4, (2 * side[0], 2 * side[1])
    shape = (n, units, *side)
    maps = rng.integers(0, 9, shape).astype(np.float32) / 4
    limits = rng.integers(3, 9, units).astype(np.float32) / 4
    if kind == "constant":  # at, above and below the thresholds
        maps[:] = rng.integers(0, 9, (n, units, 1, 1)) / 4
    if kind in ("all", "none"):
        limits[:] = -1 if kind == "all" else 3
    if kind == "smooth":
        maps = rng.random(shape, dtype=np.float32)
        limits = maps.max((0, 2, 3)) * np.float32(0.7)
    lone = "half-pixel" if side == (1, 1) else geometry
    mask = upsampled(maps, lone, label_side, image) > limits[:, None, None]
    category = np.array([0, 1, 2, 1, 3, 2])
    planes = rng.integers(0, 6, (n, 2, *label_side)) * (rng.random((n, 2, *label_side)) < 0.7)
    whole = rng.integers(0, 6, (n, 2)) * (rng.random((n, 2)) < 0.5)
    both, masks = np.zeros((units, 6), int), np.zeros((units, 4), int)
    for i in range(n):
        for u in range(units):
            inside = planes[i][:, mask[i, u]]
            area = int(mask[i, u].sum())
            both[u] += np.bincount(inside.ravel(), minlength=6)
            np.add.at(both[u], whole[i], area)
            seen = inside if present == "lite" else planes[i]
            for c in {*category[seen.ravel()], *category[whole[i]]}:
                masks[u, c] += area
    x, t = torch.from_numpy(maps), torch.from_numpy(limits)
    laid = grid(geometry, label_side, side, image, ((2.0, 0.5), (2.0, 0.5)))
    labels = Labels.of(
        torch.from_numpy(planes.swapaxes(0, 1).astype(np.int32)),
        torch.from_numpy(whole), torch.from_numpy(category),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "IN_CACHE", small)
        patch.setattr(counts_module, "CHUNK", small)
        pixel, pair = active(x, t, laid, chunk=small)
        found = tally(x, t, laid, labels, Rules(geometry=geometry, present=present))
    size = mask[0, 0].size
    once = np.zeros((n, units, size), int)
    np.add.at(once, (pixel // size, pair % units, pixel % size), 1)
    assert (once == mask.reshape(n, units, size)).all()
    assert torch.equal(pair // units, pixel // size)
    assert (found[0].numpy() == both).all()
    assert (found[1].numpy()[:, 1:] == masks[:, 1:]).all()


@pytest.mark.parametrize("size, maps", [(112, 13), (113, 27), (64, 8), (16, 16)])
def test_half_pixels_are_those_of_torch(size, maps):
    x = torch.rand(2, 3, maps, maps, generator=torch.manual_seed(1))
    t = torch.tensor([0.9, 0.5, 0.2])
    laid = grid("half-pixel", (size, size), (maps, maps), (224, 224), None)
    pixel, pair = active(x, t, laid, chunk=1000)
    mask = torch.zeros(2, 3, size * size, dtype=torch.bool)
    mask[pixel // size**2, pair % 3, pixel % size**2] = True
    up = nn.functional.interpolate(x, size=(size, size), mode="bilinear").flatten(2)
    near = (up - t[:, None]).abs() < 1e-5
    assert torch.equal(mask | near, (up > t[:, None]) | near)
    assert len(pixel) == mask.sum(), "each pixel comes once"
    assert torch.equal(pixel // size**2, pair // 3)


def test_maps_larger_than_the_labels_are_averaged_as_pillow_does():
    from PIL import Image

    x = torch.rand(1, 1, 20, 20, generator=torch.manual_seed(2))
    laid = grid("half-pixel", (8, 8), (20, 20), (20, 20), None)
    small = Image.fromarray(x[0, 0].numpy(), mode=None).resize((8, 8), Image.Resampling.BILINEAR)
    expected = np.flatnonzero(np.asarray(small) > 0.52)
    assert sorted(active(x, torch.tensor([0.52]), laid)[0].tolist()) == expected.tolist()


def test_receptive_fields_of_the_papers_alexnet():
    centres = receptive_centres(zoo.alexnet().eval(), torch.zeros(1, 3, 224, 224))
    assert centres[55, 55] == ((4, 3), (4, 3))  # 11x11 kernels, padding 2: 5 - 2
    assert centres[27, 27] == ((8, 7), (8, 7))
    assert centres[13, 13] == ((16, 15), (16, 15))


def seen_by(network: Network, size: int) -> dict[str, np.ndarray]:
    """Layer -> the first pixel, and the one behind the last, that each row of its map depends on.

    By experiment: not-a-number in a row of pixels spreads to all that depends on it. In float64
    no fast algorithm spreads it further.
    """
    module = network.build().double().eval()
    images = torch.rand(size, 3, size, size, dtype=torch.float64)
    images[range(size), :, range(size)] = torch.nan  # of image i row i
    with torch.no_grad(), record(module, network.layers) as maps:
        module(images)
    hit = {layer: values.isnan().any(1).any(2).numpy() for layer, values in maps.items()}
    return {k: np.stack([h.argmax(0), size - h[::-1].argmax(0)], 1) for k, h in hit.items()}


@pytest.mark.parametrize("network", get_networks("pictograms")[::2], ids=lambda n: n.name)
def test_centres_are_in_the_middle_of_what_units_see(network):
    centres = receptive_centres(network.build().eval(), torch.zeros(1, 3, 64, 64))
    checked = 0
    for span in seen_by(network, 64).values():
        stride, first = centres[(len(span), len(span))][0]
        whole = (span[:, 0] > 0) & (span[:, 1] < 64)  # not cut by the border
        expected = (span[:, 0] + span[:, 1] - 1) / 2
        # Pooling by 3 in steps of 2 and the like reach as far up as down, so the middle is exact.
        assert (first + stride * np.arange(len(span)))[whole] == pytest.approx(expected[whole])
        checked += whole.sum()
    assert checked > 20


class Pooled(nn.Module):
    """Images resized, as some networks want them, and maps pooled by a function."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1)

    def forward(self, x):
        return self.second(nn.functional.max_pool2d(self.first(x), 2)).mean((2, 3))


POOLED = Network("Pooled", Pooled, layers={"first": "first", "second": "second"}, n_classes=5)


@pytest.mark.parametrize(
    "build, lost",
    [(Pooled, "second"), (lambda: normalised(Pooled(), size=40), "first, second")],
    ids=["pooled by a function", "resized"],
)
def test_layers_whose_receptive_fields_are_not_known_are_laid_by_half_pixels(build, lost):
    path = "network." if lost.startswith("first") else ""
    network = replace(POOLED, build=build, layers={k: path + k for k in POOLED.layers})
    concepts = toy_concepts(9)
    with pytest.warns(UserWarning, match=f"receptive fields of {lost} lie is not known") as said:
        found = dissect(network, concepts, draws=0).set_index("layer")
    assert len(said) == 1
    half = dissect(network, concepts, draws=0, rules=HALF).set_index("layer")
    for layer in lost.split(", "):
        pd.testing.assert_frame_equal(found.loc[[layer]], half.loc[[layer]])
    shown = concepts.images.table.assign(layer="second", unit=1, threshold=0.0)
    with pytest.warns(UserWarning, match="receptive fields of second lie") as said:
        seen = masks(network, concepts.images, shown)
    assert len(said) == 1 and (seen == masks(network, concepts.images, shown, HALF)).all()


# --- order, processes, memory ---------------------------------------------------------------------


def two_layers(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    first = nn.Sequential(nn.Conv2d(3, 12, 5, 2, 2), nn.ReLU())
    return nn.Sequential(first, nn.Sequential(nn.Conv2d(12, 20, 3, 2, 1), nn.ReLU()))


TOY = Network("Toy", two_layers, layers={"conv1": "0", "conv2": "1"}, n_classes=1)


def toy_concepts(n: int = 41) -> ConceptSet:
    rng = np.random.default_rng(5)
    planes = rng.integers(0, 30, (n, 2, 8, 8)).repeat(2, 2).repeat(2, 3)
    kinds = ["object"] * 15 + ["texture"] * 10 + ["scene"] * 7
    categories = {i + 1: kind for i, kind in enumerate(kinds)}
    whole = rng.integers(0, 33, (n, 1))
    return concept_set(rng.random((n, 3, 32, 32)), planes, whole, categories)


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    return dissect(TOY, toy_concepts())


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_images_does_not_matter(reference, seed):  # H14
    order = np.random.default_rng(seed).permutation(41)
    found = dissect(TOY, shuffled(toy_concepts(), order))
    pd.testing.assert_frame_equal(found, reference, check_exact=True)


@pytest.mark.parametrize("group", [4, 3, 10, 41, 64])
def test_nor_how_many_are_counted_at_once(monkeypatch, group):  # H14, on maps that stay the same
    rng = np.random.default_rng(0)
    concepts = toy_concepts(10)
    maps = torch.from_numpy(rng.random((10, 6, 16, 16), dtype=np.float32))
    concepts = replace(concepts, images=replace(concepts.images, load=lambda r: maps[list(r)]))
    expected = dissect(ECHO, concepts)
    monkeypatch.setattr(dissect_module, "GROUP", group)
    pd.testing.assert_frame_equal(dissect(ECHO, concepts), expected, check_exact=True)


@pytest.mark.parametrize("memory", [1, 20_000 * 4, 8e8])
def test_nor_how_many_passes_the_thresholds_take(reference, memory):
    found = dissect(TOY, toy_concepts(), memory=memory)
    pd.testing.assert_frame_equal(found, reference, check_exact=True)


def test_each_layer_has_thresholds_of_its_own(reference):  # H15
    by_layer = reference.groupby("layer")["unit"].nunique()
    assert by_layer.to_dict() == {"conv1": 12, "conv2": 20}
    both = reference[reference["unit"] < 12].groupby(["layer", "unit"])["threshold"].first()
    assert (both["conv1"] != both["conv2"]).all()


def test_permuted_channels_give_permuted_rows(reference):  # H21
    order = np.random.default_rng(0).permutation(20)

    def permuted():
        module = two_layers()
        convolution = module[1][0]
        convolution.weight.data = convolution.weight.data[order]
        convolution.bias.data = convolution.bias.data[order]
        return module

    found = dissect(replace(TOY, build=permuted), toy_concepts())
    found = found[found["layer"] == "conv2"]
    found = found.assign(unit=order[found["unit"]]).sort_values("unit", kind="stable")
    expected = reference[reference["layer"] == "conv2"]
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected.reset_index(drop=True))


# --- presets, bootstrap, baselines ----------------------------------------------------------------


def test_the_presets_say_how_the_codes_differ():
    assert PRESETS["default"] == Rules() == rules_of("default")
    lite, official = PRESETS["netdissect_lite"], PRESETS["official"]
    assert (lite.geometry, lite.present, lite.twice, lite.inclusive) == (
        "half-pixel", "lite", True, True,
    )  # fmt: skip
    assert replace(official, count=lite.count) == lite and official.count == "all"


@pytest.mark.parametrize(
    "rules, message",
    [
        ("caffe", "unknown rules 'caffe'; choose default, netdissect_lite, official"),
        (partial(Rules, geometry="nearest"), "geometry = 'nearest' is not known"),
        (partial(Rules, top=1.5), "top = 1.5: it is a share"),
        (partial(Rules, quantile="median"), "unknown quantile rule 'median'"),
    ],
)
def test_rules_that_are_not_known(rules, message):
    with pytest.raises(ValueError, match=message):
        dissect(TOY, toy_concepts(3), rules=rules if isinstance(rules, str) else rules())


def test_labels_survive_a_bootstrap_where_all_images_agree_and_not_where_one_decides():
    rng = np.random.default_rng(0)
    maps = np.zeros((60, 2, 4, 4), np.float32)
    maps[:, 0, :2, :2] = 1 + rng.random((60, 2, 2))  # in every image where object 1 is
    maps[7, 1, 3, 3], maps[8, 1, 0, 0] = 5, 4  # in one image on 2, in another on 1
    planes = np.full((60, 1, 4, 4), 2)
    planes[:, 0, :2, :2] = 1
    table = dissect(ECHO, concept_set(maps, planes, np.zeros((60, 0)), {1: "object", 2: "object"}),
                    rules=Rules(top=0.2, geometry="half-pixel"))  # fmt: skip
    labels = unit_labels(table).set_index("unit")
    assert labels.loc[0, ["concept", "survival"]].tolist() == ["c1", 1]
    assert 0.2 < labels.loc[1, "survival"] < 0.9
    assert np.isnan(dissect(ECHO, toy_concepts(4), draws=0)["survival"]).all()


def test_mismatched_images_have_each_the_labels_of_another():
    concepts = toy_concepts(30)
    other = mismatched(concepts)
    planes, wrong = concepts.labels(range(30))[0], other.labels(range(30))[0]
    assert not any((a == b).all() for a, b in zip(planes, wrong, strict=True))
    assert sorted(p.tobytes() for p in planes) == sorted(p.tobytes() for p in wrong)
    assert other.digest != concepts.digest and other.name != concepts.name
    order = np.random.default_rng(0).permutation(30)
    found = mismatched(shuffled(concepts, order)).labels(range(30))[0]
    assert (found == wrong[order]).all(), "whatever the order of the images"


def test_untrained_networks_are_the_same_each_time():
    first, again = (untrained(get_networks("pictograms")) for _ in range(2))
    assert [n.name for n in first] == [
        "AlexNet-untrained", "GoogLeNet-untrained", "ResNet-untrained",
    ]  # fmt: skip
    assert [n.checkpoint_hash() for n in first] == [n.checkpoint_hash() for n in again]


# --- the networks, and bad input ------------------------------------------------------------------


@pytest.mark.parametrize(
    "network, units",
    list(zip(zoo.NETWORKS[::2], (1152, 5808, 3904), strict=True)),
    ids=lambda value: getattr(value, "name", value),
)
def test_every_channel_of_the_papers_networks_is_there(monkeypatch, network, units):
    monkeypatch.setattr(dissect_module, "GROUP", 2)
    rng = np.random.default_rng(0)
    planes = rng.integers(0, 5, (2, 1, 32, 32))
    concepts = concept_set(rng.random((2, 3, 64, 64)), planes, [[5], [6]], dict.fromkeys(range(1, 7), "object"))  # fmt: skip  # noqa: E501
    table = dissect(replace(network, checkpoint=None), concepts, draws=0)
    assert table.groupby(["layer", "unit"]).ngroups == units
    assert list(table["layer"].unique()) == list(network.layers)
    assert table["concept"].notna().any()


def test_a_layer_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no module 'conv9'"):
        dissect(replace(TOY, layers={"conv9": "conv9"}), toy_concepts(3))


def test_layer_and_image_of_an_activation_that_is_not_finite_are_named():
    concepts = concept_set(np.full((3, 1, 2, 2), np.nan), np.zeros((3, 1, 4, 4)), np.zeros((3, 1)), CATEGORIES)  # fmt: skip  # noqa: E501
    with pytest.raises(ValueError, match=r"map of Echo is not finite for image\d.png"):
        dissect(ECHO, concepts)


def test_labels_of_another_size_and_unknown_labels_are_named():
    concepts = toy_concepts(40)

    def labels(rows):
        planes, whole = concepts.labels(rows)
        return (planes, whole) if len(rows) == 1 else (planes[..., :-1], whole)

    with pytest.raises(ValueError, match=r"labels of toy from image\d+.png on are planes"):
        dissect(TOY, replace(concepts, labels=labels))

    def unknown(rows):
        planes, whole = (a.copy() for a in concepts.labels(rows))
        planes[-1, 0, 3, 5] = 33
        return planes, whole

    with pytest.raises(ValueError, match="toy has label 33, but no concept beyond 32"):
        dissect(TOY, replace(concepts, labels=unknown))


def test_an_image_that_cannot_be_read_is_named():
    concepts = toy_concepts(12)

    def load(rows):
        if 3 in rows:
            raise ValueError("image3.png is not a readable image")
        return concepts.images.load(rows)

    broken = replace(concepts, images=replace(concepts.images, load=load))
    with pytest.raises(ValueError, match="image3.png is not a readable image"):
        dissect(TOY, broken)


def test_no_images_is_an_error():
    with pytest.raises(ValueError, match="toy has no images to dissect Toy on"):
        dissect(TOY, toy_concepts(3).subset([], "toy"))
