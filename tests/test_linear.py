"""The linear classifier of pixels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.networks import linear


def drawn(n=120, noise=0.3, seed=0) -> ImageSet:
    """Images of which the class is a linear function: which of 16 pixels is light."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 16
    pixels = torch.from_numpy(noise * rng.random((n, 3, 8, 8), dtype=np.float32))
    pixels[np.arange(n), :, labels // 8, labels % 8] += 0.5
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(n)], "label": labels})
    return ImageSet(f"drawn{seed}", table, lambda rows: pixels[list(rows)], f"drawn {seed} {n}")


def test_ridge_regression_is_that_of_the_normal_equations():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 7, generator=generator, dtype=torch.float64)
    y = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    weight, bias = linear._ridge(x, y)
    centred = x - x.mean(0)
    penalty = linear.RIDGE * centred.square().sum(1).mean()
    primal = torch.linalg.solve(
        centred.T @ centred + penalty * torch.eye(7, dtype=torch.float64),
        centred.T @ (y - y.mean(0)),
    )
    torch.testing.assert_close(weight, primal.T)
    torch.testing.assert_close(bias, y.mean(0) - primal.T @ x.mean(0))


def test_a_linear_classifier_learns_what_is_linear_once(tmp_path, monkeypatch):
    monkeypatch.setattr(linear, "RAW", tmp_path)
    dataset = replace(get_dataset("pictograms"), size=8)
    network = linear.linear(dataset, drawn())
    fresh = drawn(64, seed=1)
    said = network.load()(fresh.load(range(64))).argmax(1)
    assert (said.numpy() == fresh.table["label"]).mean() > 0.95
    written = network.path().stat().st_mtime_ns
    assert linear.linear(dataset, drawn()).path().stat().st_mtime_ns == written
    other = linear.linear(dataset, drawn(seed=2))
    assert other.path() != network.path()
    assert network.checkpoint_hash() != other.checkpoint_hash()


def test_it_sees_large_images_averaged_down():
    module = linear._linear(64, 16)
    assert module(torch.rand(2, 3, 224, 224)).shape == (2, 16)
    assert isinstance(module[2], nn.Linear) and module[2].in_features == 3 * 64**2
