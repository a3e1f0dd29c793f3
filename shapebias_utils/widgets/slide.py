"""What the unit microscope knows of a network before a channel is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets import ImageSet
from ..hardware import float32
from ..hooks import record
from ..measures.dissection import upsampling
from ..measures.dissection.masks import DARK
from ..measures.dissection.preferred_images import preferred_images
from ..measures.dissection.receptive_fields import receptive_fields
from ..measures.dissection.rules import Rules, rules_of
from ..networks import Network
from ..results import cached
from .panel import Answers

K = 9
"""Preferred images that are shown."""


@dataclass(frozen=True)
class Slide:
    """What is known of a network before a channel is looked at."""

    network: Network
    module: nn.Module
    preferred: Mapping[tuple[str, int], list[str]]
    fields: Mapping[str, tuple]
    grids: Mapping[str, upsampling.Grid]
    decided: np.ndarray

    def best(self, layer: str, unit: int) -> list[str] | None:
        """Names of the images that the channel prefers; None where there is no such channel."""
        return self.preferred.get((layer, unit))

    def field(self, layer: str, x: Tensor) -> np.ndarray:
        """What the central unit sees: bool (N, H, W), the same of each image."""
        seen = np.zeros((len(x), *x.shape[2:]), bool)
        (top, bottom), (left, right) = ((round(a), round(b) + 1) for a, b in self.fields[layer])
        seen[:, top:bottom, left:right] = True
        return seen

    def mask(self, layer: str, unit: int, x: Tensor, threshold: float) -> np.ndarray:
        """Where the channel exceeds the threshold: bool (N, H, W)."""
        where = next(self.module.parameters()).device
        layers = {layer: self.network.layers[layer]}
        with float32(), record(self.module, layers) as maps, torch.no_grad():
            self.module(x.to(where, memory_format=torch.channels_last))
        found = np.zeros((len(x), *x.shape[2:]), bool)
        for own, values in zip(found, maps[layer][:, unit : unit + 1], strict=True):
            limit = torch.tensor([threshold], dtype=torch.float32, device=where)
            pixels, _ = upsampling.active(values[None], limit, self.grids[layer])
            own.flat[pixels.cpu().numpy()] = True
        return found


def opened(
    network: Network, answers: Answers, natural: ImageSet, tested: ImageSet, rules: str | Rules
) -> Slide:
    """The network's slide, for the images of `natural` and the decisions on those `tested`."""
    module = answers.modules[network.name]
    best = cached(preferred_images, network, natural)  # as many as notebooks ask for
    best = best[best["rank"] <= K]
    first = natural.load([0]).to(next(module.parameters()).device)
    with record(module, network.layers) as maps, torch.no_grad():
        module(first)
    sizes = {layer: tuple(m.shape[2:]) for layer, m in maps.items() if m.ndim == 4}
    return Slide(
        network, module,
        best.groupby(["layer", "unit"])["imagename"].apply(list).to_dict(),
        receptive_fields(network, natural),
        upsampling.grids(rules_of(rules).geometry, tuple(first.shape[2:]), sizes, module, first),
        answers.scores(network, tested.load(range(len(tested)))).argmax(1),
    )  # fmt: skip


def sheet(x: Tensor, lit: np.ndarray) -> np.ndarray:
    """Images side by side, dark where they are not lit: (3, H, W)."""
    pixels = np.where(lit[:, None], x.numpy(), DARK * x.numpy())
    side = int(np.ceil(np.sqrt(K)))
    whole = np.ones((side * side, *pixels.shape[1:]), np.float32)
    whole[: len(pixels)] = pixels
    colours, height, width = pixels.shape[1:]
    rows = whole.reshape(side, side, colours, height, width).transpose(2, 0, 3, 1, 4)
    return rows.reshape(colours, side * height, side * width)
