"""The images a channel prefers: against sorting everything, with ties, however they are read."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.dissection.preferred_images import preferred_images
from shapebias_utils.measures.stream import activations
from shapebias_utils.networks import Network

COLUMNS = ["layer", "unit", "rank", "imagename", "activation", "row", "column"]


class Seen(nn.Sequential):
    """Layers that put out the images' own pixels, then twice their 2x2 maxima, then a vector."""

    def __init__(self):
        super().__init__()
        self.pixels = nn.Identity()
        self.double = nn.Sequential(nn.MaxPool2d(2), Twice())
        self.vector = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Twice(nn.Module):
    def forward(self, x):
        return 2 * x


LAYERS = {"first": "pixels", "second": "double", "third": "vector"}
NETWORK = Network("seen", Seen, dataset="pictograms", layers=LAYERS)


def images_of(values, names=None):
    """An image set of these float arrays ``(N, 3, H, W)``, named in the order of rows."""
    pixels = torch.as_tensor(np.asarray(values, np.float32))
    names = [f"image{i:04d}.png" for i in range(len(pixels))] if names is None else names
    table = pd.DataFrame({"imagename": names, "label": 0, "category": "cat"})
    return ImageSet("made", table, lambda rows: pixels[list(rows)], "digest")


def by_sorting(values, names, k, position):
    """All of it by hand: every activation of every image, sorted."""
    pooled = values.reshape(*values.shape[:2], values.shape[2] // 2, 2, values.shape[3] // 2, 2)
    second = 2 * pooled.max((3, 5))
    maps = {"first": values, "second": second, "third": second.mean((2, 3), keepdims=True)}
    rows = []
    for layer, own in maps.items():
        h, w = own.shape[2:]
        for unit in range(own.shape[1]):
            found = []
            for name, image in zip(names, own[:, unit], strict=True):
                row, column = h // 2, w // 2
                if position == "maximum":
                    row, column = divmod(int(np.argmax(image)), w)
                found.append((-image[row, column], name, row, column))
            for rank, (value, name, row, column) in enumerate(sorted(found)[:k], 1):
                rows.append((layer, unit, rank, name, -value, row, column))
    return pd.DataFrame(rows, columns=COLUMNS)


FEW = st.sampled_from([0.0, 0.25, 0.5, 1.0])  # exact in float32, and so few that many are equal
SHAPES = st.tuples(st.integers(1, 9), st.just(3), st.sampled_from([2, 4]), st.sampled_from([2, 6]))


@settings(max_examples=30)
@given(
    values=SHAPES.flatmap(lambda shape: arrays(np.float64, shape, elements=FEW)),
    k=st.integers(1, 5), batch_size=st.integers(1, 4), data=st.data(),
    position=st.sampled_from(["centre", "maximum"]),
)  # fmt: skip
def test_the_table_is_that_of_sorting_everything(values, k, batch_size, position, data):
    order = data.draw(st.permutations(range(len(values))))
    names = [f"image{i}.png" for i in order]
    found = preferred_images(
        NETWORK, images_of(values, names), k=k, position=position, batch_size=batch_size
    )
    wanted = by_sorting(values, names, k, position)
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, atol=1e-6)


def test_the_unit_in_the_centre_of_an_even_and_an_odd_map():
    values = np.zeros((1, 3, 6, 6))
    values[0, :, 3, 3] = 0.5
    found = preferred_images(NETWORK, images_of(values)).set_index("layer")
    assert (found.loc["first", ["row", "column", "activation"]] == [3, 3, 0.5]).all(axis=None)
    assert (found.loc["second", ["row", "column", "activation"]] == [1, 1, 1.0]).all(axis=None)
    assert (found.loc["third", ["row", "column"]] == 0).all(axis=None)


def test_of_equals_the_first_by_name_and_by_position():
    values = np.full((5, 3, 2, 2), 0.5)
    found = preferred_images(
        NETWORK, images_of(values, list("dbaec")), k=3, position="maximum", batch_size=2
    )
    for _, own in found.groupby(["layer", "unit"]):
        assert own["imagename"].tolist() == ["a", "b", "c"] and own["rank"].tolist() == [1, 2, 3]
        assert not own[["row", "column"]].any(axis=None)


def test_layers_and_channels_stay_in_their_order():
    found = preferred_images(NETWORK, images_of(np.random.default_rng(0).random((4, 3, 4, 4))), k=2)
    assert list(found.columns) == COLUMNS
    assert list(dict.fromkeys(found["layer"])) == list(LAYERS)
    assert found["unit"].tolist() == [0, 0, 1, 1, 2, 2] * 3


def test_no_images_give_an_empty_table():
    found = preferred_images(NETWORK, images_of(np.zeros((0, 3, 4, 4))))
    assert list(found.columns) == COLUMNS and found.empty


def test_what_is_kept_does_not_grow_with_the_images(monkeypatch):
    module = sys.modules[preferred_images.__module__]
    sizes, updated = [], module._updated

    def spy(*arguments):
        sizes.append((best := updated(*arguments)).shape)
        return best

    monkeypatch.setattr(module, "_updated", spy)
    values = np.random.default_rng(0).random((40, 3, 2, 2))
    preferred_images(NETWORK, images_of(values), k=3, batch_size=4)
    assert len(sizes) == 30 and set(sizes) == {(4, 3, 3)}


@pytest.mark.parametrize(
    "wrong, said",
    [({"k": 0}, "k = 0: ask for at least one"), ({"position": "middle"}, "choose centre or max")],
)
def test_a_wrong_parameter_is_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        preferred_images(NETWORK, images_of(np.zeros((1, 3, 2, 2))), **wrong)


# --- the stream of activations --------------------------------------------------------------------


def test_activations_come_by_layer_in_batches_of_one_size(monkeypatch):
    seen = []
    monkeypatch.setattr(Twice, "forward", lambda self, x: seen.append(len(x)) or 2 * x)
    values = np.random.default_rng(0).random((5, 3, 4, 4)).astype(np.float32)
    found = list(activations(NETWORK, images_of(values), [4, 0, 2], batch_size=2))
    assert [rows for rows, _ in found] == [[4, 0], [2]] and seen == [2, 2]
    assert list(found[0][1]) == list(LAYERS)
    assert (torch.cat([maps["first"] for _, maps in found]).numpy() == values[[4, 0, 2]]).all()
    assert found[1][1]["third"].shape == (1, 3, 1, 1)
    ((_, only),) = activations(NETWORK, images_of(values), layers=["second"])
    assert list(only) == ["second"]


def test_a_layer_that_is_not_there_lists_those_there_are():
    images = images_of(np.zeros((1, 3, 2, 2)))
    with pytest.raises(ValueError, match="seen has no layer 'conv9'; choose from first, second"):
        next(activations(NETWORK, images, layers=["conv9"]))
    with pytest.raises(ValueError, match="bare has no probed layers: give its record"):
        next(activations(Network("bare", Seen, dataset="pictograms"), images))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_activation_that_is_not_finite_names_layer_and_image(value):
    values = np.zeros((5, 3, 2, 2))
    values[3, 1, 0, 1] = value
    with pytest.raises(ValueError, match="first of seen is not finite for image0003.png"):
        preferred_images(NETWORK, images_of(values), batch_size=2)


def test_a_layer_without_channels_is_refused():
    network = Network("flat", nn.Flatten, dataset="pictograms", layers={"all": ""})
    images = images_of(np.zeros((1, 3, 2, 2)))
    assert next(activations(network, images))[1]["all"].shape == (1, 12, 1, 1)
    network = Network("flat", lambda: nn.Flatten(2), dataset="pictograms", layers={"all": ""})
    with pytest.raises(ValueError, match=r"all of flat puts out \(1, 3, 4\): probe a layer"):
        next(activations(network, images))
