"""Several sets as one: the same images and decisions, each under its own name again."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import results
from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.joined import joined
from shapebias_utils.measures import predictions
from shapebias_utils.measures.predictions import collect, collect_each
from shapebias_utils.networks import Network

PIXELS = torch.rand(5, 3, 8, 8, generator=torch.manual_seed(0))


def images(name, rows, change=1.0):
    table = pd.DataFrame(
        {"imagename": [f"cat{r}.png" for r in rows], "category": "cat", "label": 3}
    )
    kept = change * PIXELS[list(rows)]
    return ImageSet(name, table, lambda wanted: kept[list(wanted)], f"{name} {rows} {change}")


def build():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 16)
    )


NETWORKS = [
    Network("S", build, architecture="A", training="standard", dataset="pictograms", n_classes=16),
    Network("R", build, architecture="A", training="robust", dataset="pictograms", n_classes=16),
]
SETS = {("as they are", 0): images("plain", range(5)), ("dark", 1): images("dark", [4, 1], 0.1)}


@pytest.mark.parametrize("rows", [[0], [6], [4, 5], [5, 4], [6, 0, 5, 1, 1], range(7)])
def test_rows_are_those_of_the_sets_in_any_order(rows):
    every = joined(SETS, "both")
    pixels = torch.cat([own.load(range(len(own))) for own in SETS.values()])
    assert every.load(rows).equal(pixels[list(rows)])


def test_the_table_says_where_an_image_is_from():
    table = joined(SETS, "both").table
    assert table["imagename"].is_unique
    assert table["imagename"].iloc[[1, 6]].tolist() == ["0/cat1.png", "1/cat1.png"]
    assert table["original"].iloc[[1, 6]].tolist() == ["cat1.png", "cat1.png"]
    assert table["part"].tolist() == [0] * 5 + [1] * 2


def test_another_set_or_another_order_is_another_set():
    first, second = SETS.values()
    digests = [joined(s, "x").digest for s in (
        SETS, {1: second, 0: first}, {0: first}, {0: first, 1: replace(second, digest="other")},
    )]  # fmt: skip
    assert len(set(digests)) == 4


def test_none_cannot_be_joined():
    with pytest.raises(ValueError, match="nothing is of no sets"):
        joined({}, "nothing")


@pytest.mark.parametrize("held", [2**29, 5 * PIXELS[0].nbytes])
def test_decisions_are_those_on_each_set_alone(held, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(predictions, "HELD", held)  # both sets, or one at a time
    together = collect_each(NETWORKS, SETS, ["kind", "level"])
    apart = pd.concat(
        [
            collect(NETWORKS, own).assign(kind=kind, level=level)
            for (kind, level), own in SETS.items()
        ]
    )
    keys = ["network", "kind", "imagename"]
    columns = ["object_response", "condition", "level", "prediction", "confidence", "category"]
    pd.testing.assert_frame_equal(
        together.set_index(keys)[columns].sort_index(),
        apart.set_index(keys)[columns].sort_index(),
        rtol=1e-6,
    )


def test_keys_that_are_no_tuples_stand_in_one_column(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    found = collect_each(NETWORKS, {"a": images("plain", [0]), "b": images("dark", [1], 0.1)})
    assert found["part"].tolist() == ["a", "b", "a", "b"]
