"""Zeroing many channels: chosen on one half of the images, judged on the other."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.by_hand import ByHand, by_hand, image_set, stimuli

from shapebias_utils import results
from shapebias_utils.hooks import ablate
from shapebias_utils.measures.ablation import cumulative as module
from shapebias_utils.measures.ablation.cumulative import _sets, cumulative_ablation
from shapebias_utils.measures.predictions import predict
from shapebias_utils.measures.shape_bias import shape_bias
from shapebias_utils.networks import get_network


@pytest.fixture(autouse=True)
def results_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)


def test_an_example_by_hand():
    """Red speaks for cats, green for dogs (`helpers.by_hand`); images 1, 3, 5 are judged."""
    colours = {
        "cat1-dog1.png": (0.5, 0.9, 0.0),  # dog, its texture; without green cat
        "cat2-dog2.png": (0.5, 0.9, 0.0),
        "cat3-dog3.png": (0.5, 0.9, 0.0),
        "dog4-cat4.png": (0.0, 0.9, 0.0),  # dog, its shape
        "cat5-dog5.png": (0.9, 0.2, 0.0),  # cat, its shape
        "cat6-dog6.png": (0.9, 0.2, 0.0),
    }
    images = image_set(colours)
    cues = images.table["imagename"].str.extract(r"([a-z]+)\d-([a-z]+)\d")
    images.table[["category", "texture_category"]] = cues
    table = cumulative_ablation(by_hand(), images, counts=(0, 1, 4), draws=1)
    texture = table[table["order"] == "texture"].set_index("channels")
    kept, chance = ["shape_kept", "texture_kept"], ["shape_chance", "texture_chance"]
    assert texture.loc[0, kept].tolist() == [2, 1]
    # Answers dog, dog, cat; shapes cat, dog, cat; textures dog, cat, dog.
    assert texture.loc[0, chance].tolist() == pytest.approx([4 / 3, 5 / 3])
    # Judged: cat2-dog2 (texture), dog4-cat4 (shape), cat6-dog6 (shape).
    assert texture.loc[0, ["n", "shape", "texture"]].tolist() == [3, 2, 1]
    # The texture decisions of the others, on images 0 and 2, hang on green. Without it: cat (by
    # red, its shape), car, and cat as before.
    assert texture.loc[1, ["n", "shape", "texture"]].tolist() == [3, 2, 0]
    assert texture.loc[1, "shape_bias"] == 1
    assert texture.loc[1, kept].tolist() == [1, 0], "the first is decided by shape only now"
    # Without any channel all say car.
    assert texture.loc[4, ["n", "shape", "texture"]].tolist() == [3, 0, 0]
    assert np.isnan(texture.loc[4, "shape_bias"])
    shape = table[table["order"] == "shape"].set_index("channels")
    assert shape.loc[1, ["n", "shape", "texture"]].tolist() == [3, 1, 2], (
        "without red the last is a dog"
    )


RANKED = pd.DataFrame(
    {
        "layer": ["a"] * 4 + ["b"] * 6,
        "unit": [*range(4), *range(6)],
        "shape": [0, 9, 0, 0, 1, 2, 3, 4, 5, 6],
        "texture": [5, 0, 0, 7, 6, 0, 0, 0, 0, 8],
    }
)
RANKED["texture only"] = RANKED["texture"] - RANKED["shape"]
RANKED["shape only"] = -RANKED["texture only"]


def test_sets_are_nested_ranked_and_random_ones_take_as_many_of_each_layer():
    sets = _sets(RANKED, counts=(0, 2, 3, 4, 99), draws=5, seed=1)
    assert sets["texture", 3] == {"b": [5, 0], "a": [3]}
    assert sets["shape", 2] == {"a": [1], "b": [5]}
    assert sets["texture", 0] == {}
    orders = [o for o, k in sets if k == 4]
    random = [f"as {by} {i}" for by in ("texture", "shape") for i in range(1, 6)]
    assert orders == ["texture", "shape", "texture only", "shape only", *random]
    assert sets["texture only", 2] == {"a": [3, 0]}
    assert sets["shape only", 2] == {"a": [1], "b": [4]}
    assert {k for _, k in sets} == {0, 2, 3, 4, 10}, "no more than there are"
    for order in orders:
        for smaller, larger in ((2, 3), (3, 4), (4, 10)):
            for layer, units in sets[order, smaller].items():
                assert set(units) <= set(sets[order, larger][layer])
        if order.startswith("as "):
            for k in (2, 3, 4, 10):
                like = order.split()[1]
                sizes = [{x: len(u) for x, u in sets[o, k].items()} for o in (order, like)]
                assert sizes[0] == sizes[1]
                assert all(len(set(u)) == len(u) for u in sets[order, k].values())
    assert len({str(sets[f"as texture {i}", 4]) for i in range(1, 6)}) > 1
    assert sets == _sets(RANKED, counts=(0, 2, 3, 4, 99), draws=5, seed=1)


def test_on_a_trained_network_as_predict_and_shape_bias_count(monkeypatch):
    network, images = get_network("AlexNet", "pictograms"), stimuli(40)
    conflict = images.table.query("category != texture_category").index
    judged = images.subset(conflict[1::2], "judged")
    chosen = {"conv4": [1, 2, 3], "conv1": [5]}
    monkeypatch.setattr(module, "_ranked", lambda *_: RANKED)
    monkeypatch.setattr(
        module, "_sets", lambda *_: {("texture", 0): {}, ("texture", 4): chosen}
    )  # fmt: skip
    table = cumulative_ablation(network, images).set_index("channels")
    about = {"network": "AlexNet", "architecture": "AlexNet", "training": "standard", "seed": 0}
    columns = ["shape_bias", "low", "high", "n", "shape", "texture"]
    plain = shape_bias(predict(network, judged).assign(**about))
    assert table.loc[0, columns].tolist() == plain[columns].iloc[0].tolist()
    loaded = network.load()
    with ablate(loaded, "conv4", [1, 2, 3]), ablate(loaded, "conv1", 5), torch.no_grad():
        monkeypatch.setattr(type(network), "load", lambda self: loaded)
        without = shape_bias(predict(network, judged).assign(**about))
    assert table.loc[4, columns].tolist() == without[columns].iloc[0].tolist()


def test_hooks_are_gone():
    made = ByHand().eval()
    images = image_set({"cat1-dog1.png": (0.5, 0.9, 0.0), "cat2-dog2.png": (0.5, 0.9, 0.0)})
    images.table["texture_category"] = "dog"
    cumulative_ablation(by_hand(lambda: made), images, counts=(0, 4), draws=1)
    assert not any(m._forward_hooks for m in made.modules())
