"""Total variation: closed forms, every definition, and noise in maps of activation."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.measures.smoothness.activation_tv import (
    activation_tv,
    clean_and_noisy,
    total_variation,
)
from shapebias_utils.measures.smoothness.filter_matching import convolutions
from shapebias_utils.measures.smoothness.filter_tv import (
    CHOICES,
    Definition,
    closeness,
    filter_tv,
    kernels,
    layer_tv,
    network_tv,
)
from shapebias_utils.networks import Network
from shapebias_utils.networks.zoo import LAYERS, alexnet, googlenet, resnet50

# --- closed forms -------------------------------------------------------------------------------

H, W = 4, 6
ROWS, COLUMNS = np.mgrid[:H, :W].astype(float)
IMPULSE, CORNER, LAST = np.zeros((3, H, W))
IMPULSE[1, 2] = CORNER[0, 0] = LAST[-1, -1] = 1.0
CLOSED = {
    # pattern: map, anisotropic, isotropic
    "constant": (np.full((H, W), 7.0), 0, 0),
    "ramp along columns": (2 * COLUMNS, 2 * H * (W - 1), 2 * H * (W - 1)),
    "ramp both ways": (
        3 * ROWS + 4 * COLUMNS,
        3 * (H - 1) * W + 4 * H * (W - 1),
        5 * (H - 1) * (W - 1) + 3 * (H - 1) + 4 * (W - 1),
    ),
    "checkerboard": (
        (ROWS + COLUMNS) % 2,
        (H - 1) * W + H * (W - 1),
        2**0.5 * (H - 1) * (W - 1) + (H - 1) + (W - 1),
    ),
    "impulse inside": (IMPULSE, 4, 2 + 2**0.5),
    "impulse in the first corner": (CORNER, 2, 2**0.5),
    "impulse in the last corner": (LAST, 2, 2),
}


@pytest.mark.parametrize("pattern", CLOSED)
def test_closed_forms(pattern):
    values, anisotropic, isotropic = CLOSED[pattern]
    for scale in (1, -3):
        x = torch.tensor(scale * values)
        assert float(total_variation(x)) == pytest.approx(abs(scale) * anisotropic)
        assert float(total_variation(x, isotropic=True)) == pytest.approx(abs(scale) * isotropic)


@given(
    arrays.arrays(np.float64, (2, 4, 5), elements=st.floats(-9, 9)),
    st.booleans(),
    st.floats(-5, 5),
    st.floats(-5, 5),
)
def test_transposition_offset_and_scale(values, isotropic, scale, offset):
    x = torch.tensor(values)
    tv = total_variation(x, isotropic)
    assert tv.shape == (2,)
    turned = total_variation(x.transpose(-1, -2), isotropic)
    torch.testing.assert_close(turned, tv)
    changed = total_variation(scale * x + offset, isotropic)
    torch.testing.assert_close(changed, abs(scale) * tv, rtol=1e-6, atol=1e-9)


@given(arrays.arrays(np.float64, (4, 5), elements=st.floats(-9, 9)))
def test_the_isotropic_one_is_the_smaller_by_at_most_root_2(values):
    x = torch.tensor(values)
    anisotropic, isotropic = float(total_variation(x)), float(total_variation(x, True))
    assert isotropic <= anisotropic + 1e-9
    assert anisotropic <= 2**0.5 * isotropic + 1e-9


# --- kernels: a network whose weights are known ---------------------------------------------------


class Known(nn.Module):
    """A 3x3 convolution, a 1x1, and a layer of two 2x2 ones, with weights to compute by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 2, 3)
        self.relu = nn.ReLU()
        self.block = nn.Sequential(nn.Conv2d(2, 4, 1), nn.Conv2d(4, 1, 2), nn.Conv2d(1, 2, 2))
        with torch.no_grad():
            for convolution in (self.first, *self.block):
                convolution.weight.zero_()
            self.first.weight[0, 0, 1, 1] = 2.0  # an impulse: anisotropic 8, isotropic 4 + 2 root 2
            self.first.weight[1] = 1.0  # constant: 0
            self.block[0].weight.fill_(5.0)
            self.block[1].weight[0, :, 0, 0] = 1.0  # 4 impulses in corners: 4 * 2 = 8
            self.block[2].weight[0, 0] = torch.tensor([[0.0, 3.0], [0.0, 3.0]])  # 6
            self.block[2].weight[1, 0, 1, 1] = -1.0  # 2

    def forward(self, x):
        return self.block(self.relu(self.first(x))).mean((2, 3))


def network(build, layers=(), **changes) -> Network:
    facts = {"name": "Known", "build": build, "dataset": "pictograms", "layers": dict(layers)}
    return Network(**facts | changes)


KNOWN = network(Known, {"one": "relu", "two": "block"}, architecture="AlexNet")
BY_HAND = [
    # definition, network mean
    ({}, (8 + 0 + 8 + 6 + 2) / 5),
    ({"mean_over": "layers"}, ((8 + 0) / 2 + (8 + 6 + 2) / 3) / 2),
    ({"pointwise": True}, (8 + 0 + 4 * 0 + 8 + 6 + 2) / 9),
    ({"pointwise": True, "mean_over": "layers"}, (4 + 16 / 7) / 2),
    ({"convolutions": "main"}, (8 + 0 + 6 + 2) / 4),
    ({"convolutions": "main", "mean_over": "layers"}, (4 + 4) / 2),
    ({"over_pixels": "mean"}, (8 / 9 + 0 + 8 / 4 + 6 / 4 + 2 / 4) / 5),
    ({"over_inputs": "mean"}, (8 / 3 + 0 + 8 / 4 + 6 + 2) / 5),
    ({"over_pixels": "mean", "over_inputs": "mean"}, (8 / 27 + 0 + 8 / 16 + 6 / 4 + 2 / 4) / 5),
    ({"isotropic": True}, (4 + 8**0.5 + 0 + 4 * 2**0.5 + 6 + 2) / 5),
    ({"relative": True}, (8 / 2 + 0 + 8 / 4 + 6 / 6 + 2 / 1) / 5),
]


@pytest.mark.parametrize("choice, mean", BY_HAND, ids=[str(c) for c, _ in BY_HAND])
def test_definitions_by_hand(choice, mean):
    (row,) = network_tv(kernels([KNOWN]), Definition(**choice)).to_dict("records")
    assert row["value"] == pytest.approx(mean)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["n"] == 5 + 4 * choice.get("pointwise", False) - ("convolutions" in choice)


def test_layers_by_hand():
    table = layer_tv(filter_tv(kernels([KNOWN]))).set_index("layer")
    assert table["n"].to_dict() == {"one": 2, "two": 3}
    assert table["value"].to_dict() == pytest.approx({"one": 4, "two": 16 / 3})
    half = 1.96 * np.std([8, 0], ddof=1) / 2**0.5
    assert table.loc["one", "high"] - 4 == pytest.approx(half)
    assert 4 - table.loc["one", "low"] == pytest.approx(half)
    (single,) = layer_tv(filter_tv(kernels([KNOWN])).iloc[:1]).to_dict("records")
    assert single["low"] == single["value"] == single["high"], "one filter has no spread"


@pytest.mark.parametrize("isotropic", [False, True])
def test_kernels_scale_linearly_and_may_be_transposed(isotropic):
    def changed(change):
        module = Known()
        with torch.no_grad():
            for part in module.modules():
                if isinstance(part, nn.Conv2d):
                    part.weight.copy_(change(part.weight.clone()))
        return module

    definition = Definition(isotropic=isotropic)
    original = filter_tv(kernels([KNOWN]), definition)["value"]
    for change, factor in ((lambda w: -3 * w, 3), (lambda w: w.transpose(2, 3), 1)):
        found = filter_tv(kernels([replace(KNOWN, build=lambda c=change: changed(c))]), definition)
        assert found["value"].to_numpy() == pytest.approx(factor * original.to_numpy())
    scaled = replace(KNOWN, build=lambda: changed(lambda w: 7 * w))
    relative = [network_tv(kernels([n]), Definition(relative=True)) for n in (KNOWN, scaled)]
    pd.testing.assert_frame_equal(*relative)


@pytest.mark.parametrize(
    "wrong", [{"over_pixels": "median"}, {"convolutions": "some"}, {"mean_over": "networks"}]
)
def test_a_choice_that_is_none_lists_those_there_are(wrong):
    ((field, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{field} = '{value}': choose '.+' or '.+'"):
        Definition(**wrong)


def test_every_definition_is_ranked_by_its_distance_from_the_papers_numbers():
    robust = replace(KNOWN, name="Known-R", training="robust")
    true = Definition(over_inputs="mean", pointwise=True, mean_over="layers")
    table = kernels([KNOWN, robust, replace(KNOWN, name="other", architecture="own")])
    printed = network_tv(table, true)["value"].iloc[0]
    paper = pd.DataFrame(
        {"architecture": "AlexNet", "training": ["standard", "robust"], "mean_tv": printed}
    )
    ranked = closeness(table, paper)
    assert len(ranked) == 2 ** len(CHOICES) == len(ranked.drop_duplicates(list(CHOICES)))
    first = ranked.iloc[0]
    assert {c: first[c] for c in CHOICES} == {c: asdict(true)[c] for c in CHOICES}
    assert first["deviation"] == pytest.approx(0) and ranked["deviation"].iloc[1] > 0.01
    assert ranked["deviation"].is_monotonic_increasing
    for row in ranked.sample(5, random_state=0).to_dict("records"):
        mean = network_tv(table, Definition(**{c: row[c] for c in CHOICES}))["value"].iloc[0]
        assert row["Known"] == row["Known-R"] == row["other"] == mean
        assert row["deviation"] == pytest.approx(abs(mean / printed - 1))


# --- which convolution belongs to which layer -----------------------------------------------------


def test_convolutions_come_in_the_order_they_run_with_the_layer_they_work_for():
    found = [(c.layer, c.path) for c in convolutions(KNOWN)]
    assert found == [("one", "first"), ("two", "block.0"), ("two", "block.1"), ("two", "block.2")]
    unnamed = [(c.layer, c.path) for c in convolutions(replace(KNOWN, layers={}))]
    assert unnamed == [(path, path) for _, path in found]
    behind = [c.layer for c in convolutions(replace(KNOWN, layers={"one": "relu"}))]
    assert behind == ["one", "block.0", "block.1", "block.2"]


TORCHVISION = [
    # filters and convolutions larger than 1x1 (of all), by counting in the models' definitions
    ("AlexNet", alexnet, 1152, 5, 5),
    ("GoogLeNet", googlenet, 64 + 192 + 128 + 32 + 192 + 96 + 208 + 48 + 224 + 64 + 256 + 64
     + 288 + 64 + 320 + 128 + 320 + 128 + 384 + 128, 20, 57),
    ("ResNet", resnet50, 64 + 3 * 64 + 4 * 128 + 6 * 256 + 3 * 512, 17, 53),
]  # fmt: skip


@pytest.mark.parametrize("architecture, build, filters, large, convs", TORCHVISION)
def test_torchvisions_architectures(architecture, build, filters, large, convs):
    torch.manual_seed(0)
    module = build()
    record = network(lambda: module, LAYERS[architecture], dataset="imagenet")
    table = kernels([record])
    assert table["convolution"].nunique() == convs
    assert list(dict.fromkeys(table["layer"])) == list(LAYERS[architecture])
    counted = filter_tv(table)
    assert counted["convolution"].nunique() == large and len(counted) == filters
    assert (counted["value"] > 0).all()
    pointwise = table[table["height"] * table["width"] == 1]
    assert (pointwise["anisotropic"] == 0).all() and (pointwise["isotropic"] == 0).all()
    main = table[table["main"]].groupby("layer")["convolution"].nunique()
    assert (main == 1).all() and len(main) == len(LAYERS[architecture])


def test_a_network_without_convolutions_says_so():
    dense = network(lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 2)), name="Dense")
    with pytest.raises(ValueError, match=r"Dense has no convolution \(Conv2d\)"):
        kernels([dense])
    with pytest.raises(ValueError, match="no networks are given"):
        kernels([])


# --- activations ----------------------------------------------------------------------------------


def image_set(pixels: torch.Tensor, name: str = "made") -> ImageSet:
    names = [f"image{i}.png" for i in range(len(pixels))]
    table = pd.DataFrame({"imagename": names, "category": "cat", "label": 0})
    return ImageSet(name, table, lambda rows: pixels[list(rows)], digest=name)


def random_images(n: int = 7) -> ImageSet:
    return image_set(torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(2)))


class Identity(nn.Sequential):
    """Two layers of identity filters: what goes in comes out."""

    def __init__(self) -> None:
        layers = []
        for _ in range(2):
            convolution = nn.Conv2d(3, 3, 3, padding=1, bias=False)
            with torch.no_grad():
                nn.init.dirac_(convolution.weight)
            layers += [convolution, nn.ReLU()]
        super().__init__(*layers)


IDENTITY = network(Identity, {"a": "1", "b": "3"}, name="Identity")


def test_the_value_is_the_mean_over_images_of_the_variation_of_a_channels_map():
    images = random_images()
    x = images.load(range(7)).double()
    by_hand = (x.diff(dim=2).abs().sum((2, 3)) + x.diff(dim=3).abs().sum((2, 3))).mean(0)
    table = activation_tv(IDENTITY, images)
    assert table["layer"].tolist() == ["a"] * 3 + ["b"] * 3
    assert table["channel"].tolist() == [0, 1, 2] * 2 and (table["n"] == 7).all()
    for layer in "ab":
        found = table.loc[table["layer"] == layer, "value"]
        assert found.tolist() == pytest.approx(by_hand.tolist(), rel=1e-6)


def test_maps_are_taken_behind_the_relu():
    negative = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.ReLU())
    with torch.no_grad():
        negative[0].weight.copy_(-torch.eye(3)[:, :, None, None])
    table = activation_tv(network(lambda: negative, {"a": "1"}), random_images())
    assert (table["value"] == 0).all()


def test_identity_filters_pass_noise_unchanged(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    images = image_set(torch.full((4, 3, 16, 16), 0.5))
    images = image_set(images.load(range(4)) + 0.05 * torch.rand(4, 3, 16, 16))
    channels = clean_and_noisy([IDENTITY], get_dataset("pictograms"), images)
    wide = channels.pivot(index="channel", columns="layer", values=["clean", "noisy"])
    for side in ("clean", "noisy"):
        assert wide[side, "a"].tolist() == pytest.approx(wide[side, "b"].tolist())
    # Neighbours differ by N(0, 2 sigma^2), and by |that| on average 2 sigma / sqrt(pi).
    expected = 2 * 16 * 15 * 2 * 0.08 / np.pi**0.5
    assert channels["noisy"].tolist() == pytest.approx([expected] * 6, rel=0.1)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 64])
def test_any_batch_size_gives_the_same_table(batch_size):
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU())
    record = network(lambda: module, {"a": "1"})
    expected = activation_tv(record, random_images(), batch_size=2)
    found = activation_tv(record, random_images(), batch_size=batch_size)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5)


def test_a_layer_that_does_not_exist_lists_those_that_do():
    with pytest.raises(ValueError, match="Identity has no layer 'c'; .*a, b"):
        activation_tv(IDENTITY, random_images(), layers=["a", "c"])
    with pytest.raises(ValueError, match="Identity.*layers"):
        activation_tv(replace(IDENTITY, layers={}), random_images())
    with pytest.raises(ValueError, match="no module 'nowhere'; there are 0, 1, 2, 3"):
        activation_tv(replace(IDENTITY, layers={"a": "nowhere"}), random_images())
    with pytest.raises(ValueError, match="made has no images"):
        activation_tv(IDENTITY, random_images(0))
    only = activation_tv(IDENTITY, random_images(), layers=["b"])
    assert set(only["layer"]) == {"b"}


def test_networks_without_named_layers_are_left_out():
    images = random_images()
    table = clean_and_noisy([replace(IDENTITY, layers={})], get_dataset("pictograms"), images)
    assert table.empty
