"""Winograd's minimal filtering gives what a convolution gives."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from shapebias_utils.measures import winograd


@given(
    n=st.integers(1, 35),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    size=st.tuples(st.integers(3, 14), st.integers(3, 14)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    has_bias=st.booleans(),
    seed=st.integers(0, 100),
)
def test_is_the_convolution(n, channels, size, padding, has_bias, seed):
    generator = torch.Generator().manual_seed(seed)
    inputs, outputs = channels
    x = torch.randn(n, inputs, *size, generator=generator, dtype=torch.float64)
    weight = torch.randn(outputs, inputs, 3, 3, generator=generator, dtype=torch.float64)
    bias = torch.randn(outputs, generator=generator, dtype=torch.float64) if has_bias else None
    found = winograd.convolved(x, winograd.transformed(weight), bias, padding)
    torch.testing.assert_close(found, F.conv2d(x, weight, bias, padding=padding))


@pytest.mark.parametrize("channels, size", [(128, 13), (256, 13), (192, 27)])
def test_rounds_no_more_than_a_plain_convolution(channels, size):
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(channels, channels, 3, padding=1).requires_grad_(False)
    x = torch.randn(4, channels, size, size, generator=generator).relu()
    exact = F.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)
    found = winograd.convolved(x, winograd.transformed(conv.weight), conv.bias, (1, 1))
    plain = F.conv2d(x, conv.weight, conv.bias, padding=1)
    error, usual = ((y - exact).square().mean().sqrt() for y in (found, plain))
    assert 0 < error < 2 * usual


@pytest.mark.parametrize(
    "conv, suits",
    [
        (nn.Conv2d(128, 128, 3), True),
        (nn.Conv2d(192, 384, 3, padding=1), True),
        (nn.Conv2d(128, 128, 3, padding="same"), False),
        (nn.Conv2d(128, 128, 3, padding=1, padding_mode="reflect"), False),
        (nn.Conv2d(128, 128, 3, stride=2), False),
        (nn.Conv2d(128, 128, 3, dilation=2), False),
        (nn.Conv2d(128, 128, 3, groups=2), False),
        (nn.Conv2d(128, 128, 5), False),
        (nn.Conv2d(128, 128, (3, 1)), False),
        (nn.Conv2d(64, 128, 3), False),  # correct, but no faster
    ],
)
def test_which_layers_it_is_for(conv, suits):
    assert winograd.suits(conv) is suits
