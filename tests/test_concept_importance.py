"""What a network loses with the channels of a concept."""

import pandas as pd
import pytest
from helpers.by_hand import CAT, DOG, by_hand, image_set

from shapebias_utils.measures.dissection.importance import accuracy_without, channels_of

COLOURS = {"a1.png": (0.9, 0.5, 0.9), "b1.png": (0.5, 0.9, 0.0), "c1.png": (0.9, 0.0, 0.0)}


def test_accuracy_without_channels_by_hand():
    """Without red the two red images are a dog and a car; without green all stay or turn cat."""
    images = image_set(COLOURS)
    images.table["label"] = [CAT, DOG, CAT]
    channels = {"red": {"relu": [0]}, "green": {"relu": [1]}, "both": {"relu": [0, 1]}}
    found = accuracy_without(by_hand(), images, channels=channels, batch_size=2)
    assert found["concept"].tolist() == ["red", "green", "both"]
    assert found["channels"].tolist() == [1, 1, 2]
    assert found["accuracy"].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert found["drop"].tolist() == pytest.approx([2 / 3, 1 / 3, 1])
    assert (found["n"] == 3).all()


def test_channels_are_those_of_a_label():
    rows = [("conv1", 0, "red", 0.2), ("conv1", 0, "cat", 0.1), ("conv1", 1, "cat", 0.3),
            ("conv2", 0, "cat", 0.1), ("conv2", 1, None, 0.0)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["layer", "unit", "concept", "iou"])
    assert channels_of(table) == {"red": {"conv1": [0]}, "cat": {"conv1": [1], "conv2": [0]}}
