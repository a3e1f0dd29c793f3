"""Stylized photographs: AdaIN as for Stylized-ImageNet, and Gatys et al. as for cue conflicts.

Weights and paintings are yours to bring; without them there is an error, and nothing else is
called stylized. Pictograms have their own rendition, each surface repainted.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from . import Distortion
from .external import DECODER, ENCODER, VGG19, kept, load_weights, painting, paintings, require

if TYPE_CHECKING:
    from torch import Tensor, nn

VGG_TO_RELU4_1 = (64, 64, "pool", 128, 128, "pool", *[256] * 4, "pool", 512)
VGG_TO_RELU5_1 = (*VGG_TO_RELU4_1, *[512] * 3, "pool", 512)
DECODING = (256, "up", 256, 256, 256, 128, "up", 128, 64, "up", 64, 3)

STYLE_LAYERS = {1: 64, 6: 128, 11: 256, 20: 512, 29: 512}
"""relu1_1, 2_1, 3_1, 4_1 and 5_1 among VGG-19's modules -> their channels."""

CONTENT_LAYER = 22  # relu4_2
CAFFE_MEAN = (0.40760392, 0.45795686, 0.48501961)  # BGR
GATYS_SIZE = 512
SMALLEST = 16
"""Pixels a side from which on relu4_1 has more than one position, and so a deviation."""


def _convolutions(channels: int, plan: tuple, reflect: bool) -> list["nn.Module"]:
    """3x3 convolutions, each with its ReLU, to as many channels as the plan says in turn."""
    from torch import nn

    modules: list[nn.Module] = []
    for step in plan:
        if step == "pool":
            modules.append(nn.MaxPool2d(2, ceil_mode=reflect))
        elif step == "up":
            modules.append(nn.Upsample(scale_factor=2, mode="nearest"))
        else:
            modules += [nn.ReflectionPad2d(1)] * reflect
            modules += [nn.Conv2d(channels, step, 3, padding=0 if reflect else 1), nn.ReLU()]
            channels = step
    return modules


def encoder() -> "nn.Sequential":
    """The normalised VGG-19 up to relu4_1, untrained: 31 modules over [0, 1] RGB."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 3, 1), *_convolutions(3, VGG_TO_RELU4_1, reflect=True))


def decoder() -> "nn.Sequential":
    """From relu4_1 back to an image, untrained."""
    from torch import nn

    return nn.Sequential(*_convolutions(512, DECODING, reflect=True)[:-1])


def vgg19() -> "nn.Sequential":
    """VGG-19 up to relu5_1, untrained: 30 modules, over BGR in 0..255 minus the mean."""
    from torch import nn

    return nn.Sequential(*_convolutions(3, VGG_TO_RELU5_1, reflect=False))


def adain(content: "Tensor", style: "Tensor") -> "Tensor":
    """The content features ``(N, C, H, W)`` with the mean and deviation that `style`'s have.

    A channel of an image at a time; the variances are unbiased, plus 1e-5.
    """

    def statistics(features):
        variance = features.var((2, 3), keepdim=True, unbiased=True)
        return features.mean((2, 3), keepdim=True), (variance + 1e-5).sqrt()

    (mean, deviation), (wanted, spread) = statistics(content), statistics(style)
    return spread * (content - mean) / deviation + wanted


def adain_stylized(
    content: "Tensor",
    style: "Tensor",
    encoder: "nn.Module",
    decoder: "nn.Module",
    alpha: float = 1.0,
) -> "Tensor":
    """`content` in the style of `style`: RGB ``(N, 3, H, W)`` in [0, 1] (Huang & Belongie 2017).

    Neither is normalised. `alpha` is the share of the style, 1 for Stylized-ImageNet. ValueError
    for images of less than 16 pixels a side.
    """
    import torch

    if min(*content.shape[2:], *style.shape[2:]) < SMALLEST:
        raise ValueError(f"an image to be stylized has {SMALLEST} x {SMALLEST} pixels or more")
    with torch.inference_mode():
        features = encoder(content)
        mixed = alpha * adain(features, encoder(style)) + (1 - alpha) * features
        height, width = content.shape[2:]
        return decoder(mixed)[..., :height, :width].clamp(0, 1)


def gram(features: "Tensor") -> "Tensor":
    """Products of all pairs of channels, averaged over positions: ``(N, C, C)``."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def gatys(
    content: "Tensor", style: "Tensor", network: "nn.Sequential", iterations: int = 500
) -> tuple["Tensor", list[float]]:
    """(`content` in the style of `style`, the loss after each evaluation); Gatys et al. 2016.

    RGB ``(1, 3, H, W)`` in [0, 1]; `network` is VGG-19 over BGR in 0..255 minus the mean. Starting
    from the content, L-BFGS lowers 1000 / n**2 times the mean squared error of the Gram matrices
    of relu1_1, ..., relu5_1 (n channels) plus that of relu4_2's features. Stops, as
    leongatys/PytorchNeuralStyleTransfer does, at the end of the step (of up to 20 iterations) that
    passes `iterations` evaluations.
    """
    import torch
    import torch.nn.functional as F

    mean = content.new_tensor(CAFFE_MEAN).view(1, 3, 1, 1)

    def layers(x):
        found = {}
        for i, module in enumerate(network):
            x = module(x)
            if i in STYLE_LAYERS or i == CONTENT_LAYER:
                found[i] = x
        return found

    with torch.no_grad():
        grams = {i: gram(f) for i, f in layers(255 * (style.flip(1) - mean)).items()}
        start = (255 * (content.flip(1) - mean)).contiguous()  # L-BFGS wants it so
        wanted = layers(start)[CONTENT_LAYER]
    image, losses = start.clone().requires_grad_(), []
    optimizer = torch.optim.LBFGS([image])

    def closure():
        optimizer.zero_grad()
        found = layers(image)
        loss = F.mse_loss(found[CONTENT_LAYER], wanted)
        for i, channels in STYLE_LAYERS.items():
            loss = loss + 1e3 / channels**2 * F.mse_loss(gram(found[i]), grams[i])
        loss.backward()
        losses.append(loss.item())
        return loss

    while len(losses) <= iterations:
        before = len(losses)
        optimizer.step(closure)
        if len(losses) == before + 1:  # it has converged, and would only look again
            break
    return (image.detach() / 255 + mean).flip(1).clamp(0, 1), losses


@cache
def _adain_networks() -> tuple["nn.Module", "nn.Module"]:
    return load_weights(encoder(), ENCODER), load_weights(decoder(), DECODER)


@cache
def _gatys_network() -> "nn.Module":
    return load_weights(vgg19(), VGG19, prefix="features.")


def _tensor(image: np.ndarray, network: "nn.Module", size: int | None = None) -> "Tensor":
    """``(1, 3, H, W)`` where the network is, the shorter side of `size` pixels if there is one."""
    import torch
    from torchvision.transforms.functional import resize

    found = torch.from_numpy(image).permute(2, 0, 1)[None]
    found = found.to(next(network.parameters()).device)
    return found if size is None else resize(found, size, antialias=True)


def _array(images: "Tensor") -> np.ndarray:
    return images[0].permute(1, 2, 0).cpu().numpy()


def by_adain(image: np.ndarray, alpha: float, generator: np.random.Generator) -> np.ndarray:
    """The image in the style of one painting, as :func:`adain_stylized` does it.

    FileNotFoundError says how to get weights or paintings that are missing.
    """
    weights = require(ENCODER, DECODER)
    style = painting(min(image.shape[:2]), generator)

    def make() -> np.ndarray:
        encoding, decoding = _adain_networks()
        content, model = _tensor(image, encoding), _tensor(style, encoding)
        return _array(adain_stylized(content, model, encoding, decoding, alpha))

    return kept("stylized", image, (alpha, weights, style.tobytes()), make)


def by_gatys(image: np.ndarray, iterations: int, generator: np.random.Generator) -> np.ndarray:
    """The image in the style of one painting, as :func:`gatys` does it, at 512 pixels a side.

    FileNotFoundError says how to get weights or paintings that are missing.
    """
    from torchvision.transforms.functional import resize

    weights = require(VGG19)
    style = painting(GATYS_SIZE, generator)

    def make() -> np.ndarray:
        network = _gatys_network()
        content, model = _tensor(image, network, GATYS_SIZE), _tensor(style, network)
        found, _ = gatys(content, model, network, iterations)
        return _array(resize(found, image.shape[:2], antialias=True))

    return kept("stylized_gatys", image, (iterations, weights, style.tobytes()), make)


DISTORTIONS = (
    Distortion(
        name="stylized",
        title="Stylized",
        apply=by_adain,
        levels=(1,),
        axis="share of the style",
        reference="Geirhos et al. 2019, Stylized-ImageNet: AdaIN, a painting for each image",
        needs=lambda: f"{require(ENCODER, DECODER)} {paintings()[1]}",
    ),
    Distortion(
        name="stylized_gatys",
        title="Stylized (Gatys)",
        apply=by_gatys,
        levels=(500,),
        axis="evaluations of the loss",
        reference="Gatys et al. 2016, which Chen et al. name; a painting for each image",
        needs=lambda: f"{require(VGG19)} {paintings()[1]}",
    ),
)
