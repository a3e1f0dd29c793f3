"""Saliency maps: which pixels of an image a network's output hangs on, by four methods.

The input gradient and SmoothGrad as in Zhang & Zhu (2019), Integrated Gradients and Grad-CAM by
captum. Maps are signed; :func:`strength` and :func:`as_shown` are what is measured and looked at.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..datasets import ImageSet
from ..networks import Network
from .stream import loaded, stream

if TYPE_CHECKING:
    from torch import Tensor, nn

VERSION = 1
METHODS = ("gradient", "smoothgrad", "integrated_gradients", "grad_cam")
OF = ("loss", "logit")
TARGETS = ("label", "category", "texture_category", "prediction")

SAMPLES, NOISE = 100, 0.1
"""Of SmoothGrad: how many noisy copies, and their deviation as a share of the image's range, as in
the script of Zhang & Zhu that makes their maps (others of theirs have .05 and .15)."""

STEPS = 64
"""Of Integrated Gradients on its way from mid-grey to the image."""

GREY = 0.5
"""Where that way begins: the grey that pictogram networks see as 0."""

Output = Callable[["Tensor", "Tensor"], "Tensor"]
"""``(images (N, 3, H, W), targets bool (N, classes)) -> (N,)``: the number that is explained."""


def saliency(
    network: Network,
    images: ImageSet,
    *,
    method: str = "smoothgrad",
    of: str = "loss",
    target: str = "label",
    samples: int = SAMPLES,
    noise: float = NOISE,
    seed: int = 0,
    rows: Sequence[int] | None = None,
    batch_size: int = 32,
) -> "Iterator[tuple[list[int], Tensor]]":
    """Yield (rows, their signed maps) in batches, float32 ``(n, 3, H, W)``; Grad-CAM has 1 channel.

    `method` is one of `METHODS`. `of` is "loss" (cross-entropy) or "logit"; of which class, says
    `target`: that of the images' `label`, those of their `category` or `texture_category` (several
    count as one, by the sum of their exponentials), or the network's own "prediction". SmoothGrad
    is the mean gradient over noisy `samples`, with Gaussian `noise` in shares of the image's range
    between its least and its greatest pixel; its noise is keyed by `seed` and the image's name, and
    noisy images are not clipped. Integrated Gradients start from mid-grey. Grad-CAM is of the last
    probed layer, positive only, brought to the image's size. All `rows` if None. ValueError for
    unknown names, and images that lack the target.
    """
    for name, given, known in (("method", method, METHODS), ("of", of, OF)):
        if given not in known:
            raise ValueError(f"{name} = {given!r}; choose one of {', '.join(known)}")
    module, wanted = loaded(network), targets(network, images, target)
    output, names = output_of(module, of), images.table["imagename"].tolist()

    def forward(x: "Tensor", rows: list[int]) -> "Tensor":
        y = _predicted(module, x) if wanted is None else wanted[rows].to(x.device)
        if method == "gradient":
            return gradient(output, x, y)
        if method == "smoothgrad":
            keys = [f"{seed}:{names[row]}" for row in rows]
            return smoothgrad(output, x, y, keys, samples, noise)
        if method == "integrated_gradients":
            return integrated_gradients(output, x, y)
        return grad_cam(module, _last_layer(network), output, x, y)

    title = f"{method} of {network.name} on {images.name}"
    yield from stream(images, forward, rows=rows, batch_size=batch_size, label=title)


def targets(network: Network, images: ImageSet, target: str) -> "Tensor | None":
    """The classes that are explained: bool (images, classes); None for "prediction"."""
    import torch

    if target not in TARGETS:
        raise ValueError(f"target = {target!r}; choose one of {', '.join(TARGETS)}")
    if target == "prediction":
        return None
    classes = {i: (i,) for i in range(network.n_classes)} if target == "label" else {}
    classes = classes or network.mapping()
    wanted = torch.zeros(len(images), network.n_classes, dtype=torch.bool)
    for row, of_image in enumerate(images.table.get(target, ())):
        wanted[row, list(classes.get(of_image, ()))] = True
    if not wanted.any(1).all():
        name = images.table["imagename"].iloc[int((~wanted.any(1)).nonzero()[0, 0])]
        raise ValueError(f"{name} of {images.name} has no {target} among the network's classes")
    return wanted


def output_of(module: "nn.Module", of: str) -> Output:
    """The network's logit of the target classes, or their cross-entropy.

    The loss is computed from the margin between the target's logits and all others', so that its
    gradient does not vanish where the network is sure: there, a softmax is 1 to the last digit.
    """
    import torch
    from torch.nn.functional import softplus

    def output(x: "Tensor", y: "Tensor") -> "Tensor":
        logits = module(x)
        ours = logits.masked_fill(~y, -torch.inf).logsumexp(1)
        if of == "logit":
            return ours
        return softplus(logits.masked_fill(y, -torch.inf).logsumexp(1) - ours)

    return output


def gradient(output: Output, x: "Tensor", y: "Tensor") -> "Tensor":
    """The gradient of each image's output by the image."""
    import torch

    x = x.detach().requires_grad_()
    with torch.enable_grad():
        (found,) = torch.autograd.grad(output(x, y).sum(), x)
    return found


def smoothgrad(
    output: Output, x: "Tensor", y: "Tensor", keys: Sequence[str], samples: int, noise: float
) -> "Tensor":
    """The mean gradient over noisy copies of each image; its noise is keyed by its key."""
    import torch

    generators = [torch.Generator().manual_seed(zlib.crc32(key.encode())) for key in keys]
    deviation = noise * (x.amax((1, 2, 3), True) - x.amin((1, 2, 3), True))
    total = torch.zeros_like(x)
    for _ in range(samples):
        drawn = torch.stack([torch.randn(x.shape[1:], generator=g) for g in generators])
        total += gradient(output, x + deviation * drawn.to(x), y)
    return total / samples


def integrated_gradients(output: Output, x: "Tensor", y: "Tensor", steps: int = STEPS) -> "Tensor":
    """Gradients along the straight way from mid-grey to each image, summed up by captum.

    They add up to the difference of the outputs at its two ends, but for the error of `steps`.
    """
    from captum.attr import IntegratedGradients

    start = x.new_full((1, *x.shape[1:]), GREY)
    found = IntegratedGradients(output).attribute(
        x.detach(), start, additional_forward_args=(y,), n_steps=steps, internal_batch_size=len(x)
    )
    return found.detach().to(x)


def grad_cam(module: "nn.Module", layer: str, output: Output, x: "Tensor", y: "Tensor") -> "Tensor":
    """The channels of a layer, each times its mean gradient, summed, where positive, by captum.

    ``(N, 1, H, W)``, brought to the image's size bilinearly.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    from ..hooks import find_module

    cam = LayerGradCam(output, find_module(module, layer))
    found = cam.attribute(x, additional_forward_args=(y,), relu_attributions=True)
    return LayerAttribution.interpolate(found, tuple(x.shape[-2:]), "bilinear").detach()


def _predicted(module: "nn.Module", x: "Tensor") -> "Tensor":
    import torch

    with torch.no_grad():
        logits = module(x)
    return torch.zeros_like(logits, dtype=torch.bool).scatter_(1, logits.argmax(1, True), True)


def _last_layer(network: Network) -> str:
    if not network.layers:
        raise ValueError(f"{network.name} has no probed layers: give its record some `layers`")
    return list(network.layers.values())[-1]


def strength(maps: "Tensor", signed: bool = False) -> "Tensor":
    """How much each pixel counts: float32 ``(N, H, W)``, the sum over colours of absolute values.

    `signed`: the sum over colours of the values, of which opposite ones cancel.
    """
    return maps.sum(1) if signed else maps.abs().sum(1)


def as_shown(strengths: np.ndarray) -> np.ndarray:
    """Strengths ``(N, H, W)`` divided by their 99th percentile, clipped to [0, 1].

    As Zhang & Zhu show them; an image without any gradient stays black.
    """
    if not len(strengths):
        return strengths
    most = np.percentile(strengths, 99, axis=(1, 2), keepdims=True)
    return np.clip(np.divide(strengths, most, out=np.zeros_like(strengths), where=most > 0), 0, 1)
