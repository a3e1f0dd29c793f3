"""Where saliency lies: zones by hand, and networks whose saliency lies where it is put."""

from dataclasses import replace
from functools import partial
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import datasets
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.datasets.pictograms.annotate import CONCEPTS, annotate
from shapebias_utils.datasets.pictograms.regions import regions
from shapebias_utils.datasets.pictograms.render import factors
from shapebias_utils.datasets.regions import Regions
from shapebias_utils.measures import saliency_scores as measure
from shapebias_utils.measures.saliency_scores import BANDS, ZONES, scores, zones
from shapebias_utils.measures.schema import attributed
from shapebias_utils.measures.statistics import levels
from shapebias_utils.networks import Network

SIZE = 20


def square(n: int = 1) -> Regions:
    """A square of 10 x 10 pixels in the middle, its left half a wheel; clutter in a corner."""
    thing, clutter = np.zeros((n, SIZE, SIZE), bool), np.zeros((n, SIZE, SIZE), bool)
    thing[:, 5:15, 5:15], clutter[:, :2, :2] = True, True
    parts = np.where(thing, 2, 0).astype(np.uint8)
    parts[:, :, :10] = np.minimum(parts[:, :, :10], 1)
    return Regions(thing, clutter, parts, ("wheel", "body", "wing"))


@pytest.mark.parametrize("band, inside, outside", [(1, 36, 40), (2, 64, 84)])
def test_zones_of_a_square_by_hand(band, inside, outside):
    found = zones(square(), band)
    # Two pixels off are four sides of twenty pixels, and at each corner the diagonal neighbour.
    assert tuple(found) == ZONES and sum(int(m.sum()) for m in found.values()) == SIZE**2
    assert int((found["contour"] & square().object).sum()) == inside
    assert int((found["contour"] & ~square().object).sum()) == outside
    assert int(found["interior"].sum()) == 100 - inside and int(found["clutter"].sum()) == 4


def test_every_pixel_is_in_one_zone_whatever_the_masks():
    rng = np.random.default_rng(0)
    thing = rng.random((6, SIZE, SIZE)) < np.linspace(0, 1, 6)[:, None, None]
    masks = Regions(thing, rng.random(thing.shape) < 0.3, thing.astype(np.uint8), ("part",))
    for band in BANDS:
        assert (np.sum(list(zones(masks, band).values()), axis=0) == 1).all()
    assert not zones(masks, 1)["contour"][[0, -1]].any(), "nothing, and an image full: no contour"


class Weighted(nn.Module):
    """The logit of class 0 is the sum of the pixels, each times its weight."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.as_tensor(weights, dtype=torch.float32))

    def forward(self, x):
        value = (x.sum(1) * self.weights).sum((1, 2))
        return torch.stack([value, 0 * value], 1)


@pytest.fixture
def weighted(monkeypatch):
    """A function from weights ``(SIZE, SIZE)`` to a network over a dataset with the square."""
    monkeypatch.setattr(datasets, "_OWN", {})
    made = replace(get_dataset("pictograms"), name="squares", regions=lambda i: square(len(i)))
    datasets.register(made)
    datasets.register(replace(made, name="maskless", regions=None))

    def make(weights, dataset="squares", **facts) -> Network:
        build = partial(Weighted, weights)
        return Network("W", build, dataset, n_classes=2, **facts)

    return make


def images(n: int = 3) -> ImageSet:
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(n)], "label": 0, "category": ""})
    return ImageSet("squares", table, lambda rows: torch.rand(len(rows), 3, SIZE, SIZE), "squares")


def scored(network: Network, n: int = 3, **how) -> pd.DataFrame:
    return attributed(scores(network, images(n), of="logit", **how), network)


def test_even_saliency_has_the_share_of_its_area_everywhere(weighted):
    table = scored(weighted(np.ones((SIZE, SIZE))))
    on = table[table["kind"] != "ring"]
    assert on["share"].to_numpy() == pytest.approx(on["area"].to_numpy())
    assert set(on.loc[on["kind"] == "zone", "item"]) == set(ZONES)
    assert set(on.loc[on["kind"] == "part", "item"]) == {"wheel", "body"}, "no image has a wing"
    rings = table[table["kind"] == "ring"].drop_duplicates("item").set_index("item")
    assert rings.loc["0", "share"] == pytest.approx(1) and rings["area"].sum() == pytest.approx(1)
    observed = levels(measure.on_zones(table)).set_index("quantity")["value"]
    assert observed[[f"saliency: {z}" for z in ZONES]].tolist() == pytest.approx([1] * 4)
    assert observed["contour, not inside"] == pytest.approx(1)


def test_saliency_that_is_put_inside_is_found_there(weighted):
    weights = np.full((SIZE, SIZE), 0.0)
    weights[9, 9], weights[0, 0] = -3.0, 1.0  # signs do not matter, and its peak is inside
    table = scored(weighted(weights))
    own = table[(table["kind"] == "zone") & (table["band"] == 2)]
    shares = own.groupby("item")["share"].first()
    assert shares[list(ZONES)].tolist() == pytest.approx([0, 0.75, 0.25, 0])
    assert own.groupby("item")["peak"].first()[list(ZONES)].tolist() == [0, 1, 0, 0]
    observed = levels(measure.on_zones(table)).set_index("quantity")["value"]
    assert observed["saliency: interior"] == pytest.approx(0.75 / (36 / 400))
    assert observed["peak: interior"] == pytest.approx(1 / (36 / 400))
    assert observed["contour, not inside"] == 0
    on_parts = levels(measure.on_parts(table)).set_index("quantity")["value"]
    assert (
        on_parts["part: wheel"] == pytest.approx(0.75 / (50 / 400)) and on_parts["part: body"] == 0
    )


def test_power_above_a_quarter_of_a_cycle(weighted):
    x = np.arange(SIZE)
    fine, coarse = np.cos(2 * np.pi * 8 * x / SIZE), np.cos(2 * np.pi * 2 * x / SIZE)
    table = scored(weighted((fine + np.sqrt(3) * coarse) * np.ones((SIZE, 1))))
    (row,) = levels(measure.fineness(table, SIZE)).to_dict("records")
    assert row["value"] == pytest.approx(0.25, abs=1e-6)
    spectrum = measure.spectra(table, SIZE).set_index("frequency")
    assert spectrum.loc[2 / SIZE, "share"] == pytest.approx(0.75, abs=1e-6)
    assert spectrum["share"].sum() == pytest.approx(1) and (spectrum["n"] == 3).all()
    area = spectrum["share"] / spectrum["value"]
    assert area.dropna().iloc[0] == pytest.approx(4 / SIZE**2) or len(area.dropna())


def test_images_without_saliency_do_not_count(weighted):
    assert scores(weighted(np.zeros((SIZE, SIZE))), images(), of="logit").empty


def test_without_masks_only_frequencies_are_scored(weighted):
    table = scored(weighted(np.ones((SIZE, SIZE)), "maskless"))
    assert set(table["kind"]) == {"ring"}
    table = pd.read_csv(StringIO(table.to_csv(index=False)))  # as it is kept: rings are numbers
    assert levels(measure.on_zones(table)).empty and levels(measure.on_parts(table)).empty
    assert "no exact masks" in measure.masks_note(get_dataset("maskless"))
    assert measure.masks_note(get_dataset("pictograms")) == ""


def test_contour_parts_by_hand():
    facts = {"network": "A", "architecture": "A", "training": "standard", "seed": 0, "kind": "zone"}
    rows = [
        ("a", "contour", 2, 0.2, 0.1),
        ("a", "interior", 2, 0.6, 0.1),
        ("a", "contour", 1, 0.0, 1.0),
        ("b", "contour", 2, 0.5, 0.2),
    ]
    table = pd.DataFrame(rows, columns=["imagename", "item", "band", "share", "area"])
    (row,) = measure.contour_parts(table.assign(**facts)).to_dict("records")
    assert row["imagename"] == "a", "b has no interior"
    assert (row["share"], row["area"]) == (pytest.approx(0.25), 0.5)


@pytest.mark.parametrize("split", ["validation", "cue_conflict"])
def test_masks_of_pictograms_are_those_that_concepts_are_annotated_by(split):
    chosen = get_dataset("pictograms").images(split).subset([3, 40, 41], "three")
    found = regions(chosen)
    assert found.names == CONCEPTS["part"] and len(found) == 3
    for i, row in enumerate([3, 40, 41]):
        known = annotate(factors(split, row))
        assert (found.object[i] == (known["object"] > 0)).all()
        assert (found.parts[i] == known["part"]).all()
    assert not (found.clutter & found.object).any()
    assert (found.subset([2]).object[0] == found.object[2]).all()


def test_clutter_of_a_pictogram_is_where_its_colour_is():
    chosen = get_dataset("pictograms").images("validation").subset(range(12), "twelve")
    found, pixels = regions(chosen), chosen.load(range(12)).numpy()
    seen = 0
    for i in np.flatnonzero(found.clutter.sum((1, 2)) > 30):
        ((_, colour),) = factors("validation", int(i)).clutter
        inside = pixels[i].transpose(1, 2, 0)[found.clutter[i]]
        assert np.abs(np.median(inside, 0) - np.clip(colour, 0, 1)).max() < 0.02
        seen += 1
    assert seen > 2


def test_a_pictogram_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"there is no pictogram '0.png' in cue_conflict"):
        regions(images(1))
