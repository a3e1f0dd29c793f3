"""Saliency maps against networks whose gradients are known, and against captum."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.untrained import build
from torch import nn
from torch.nn.functional import cross_entropy, interpolate, relu

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures import saliency as measure
from shapebias_utils.measures.saliency import as_shown, saliency, strength
from shapebias_utils.networks import Network, mini

SIZE = 16


class Linear(nn.Module):
    """Three logits, each the image's product with a pattern of its own, times `scale`."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        weights = torch.randn(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
        self.weights = nn.Parameter(scale * weights / SIZE)

    def forward(self, x):
        return (x[:, None] * self.weights).sum((2, 3, 4))


class Squares(nn.Module):
    """Half the sum of the squares of the pixels, and nothing: the gradient is the image."""

    def forward(self, x):
        value = x.square().sum((1, 2, 3)) / 2
        return torch.stack([value, 0 * value], 1)


def network(make=Linear, classes: int = 3, **facts) -> Network:
    return Network("L", make, dataset="pictograms", n_classes=classes, **facts)


def images(n: int = 5, size: int = SIZE, **columns) -> ImageSet:
    pixels = torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(4))
    facts = {"imagename": [f"{i}.png" for i in range(n)], "category": "cat", "label": 1}
    return ImageSet(
        "made", pd.DataFrame(facts | columns), lambda rows: pixels[list(rows)], digest="made"
    )


def maps(network: Network, images: ImageSet, **how) -> torch.Tensor:
    return torch.cat([found for _, found in saliency(network, images, **how)])


def trained() -> Network:
    """A network of the size of a pictogram, with batch norms as after training."""
    return network(lambda: build(mini.AlexNet), classes=16, layers={"conv5": "conv5"})


@pytest.mark.parametrize("method", ["gradient", "smoothgrad"])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_logit_of_a_linear_network_has_its_pattern(method, label):
    found = maps(network(), images(label=label), method=method, of="logit", samples=3)
    expected = Linear().weights[label].detach().expand_as(found)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def test_the_loss_is_cross_entropy_of_the_label():
    x = images().load(range(5)).requires_grad_()
    cross_entropy(Linear()(x), torch.ones(5, dtype=int), reduction="sum").backward()
    found = maps(network(), images(), method="gradient", of="loss")
    torch.testing.assert_close(found, x.grad, rtol=1e-4, atol=1e-8)


def test_the_loss_has_a_gradient_where_softmax_is_one_to_the_last_digit():
    x = images().load(range(5))
    sure = Linear(20.0)(x).detach()
    label = sure.argmax(1)
    chosen = images(label=label.numpy())
    found = maps(network(lambda: Linear(20.0)), chosen, method="gradient", of="loss")
    others = sure.scatter(1, label[:, None], -torch.inf).softmax(1)
    margin = sure.amax(1) - sure.scatter(1, label[:, None], -torch.inf).logsumexp(1)
    assert float(margin.max()) > 20, "the softmax of such a margin is 1 in float32"
    weights = Linear(20.0).weights.detach()
    pattern = torch.einsum("nk,kchw->nchw", others, weights) - weights[label]
    expected = (-margin).sigmoid()[:, None, None, None] * pattern
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0)


def test_without_noise_smoothgrad_is_the_gradient():
    how = {"of": "loss", "batch_size": 4}
    plain = maps(trained(), images(6, 64), method="gradient", **how)
    found = maps(trained(), images(6, 64), method="smoothgrad", samples=4, noise=0.0, **how)
    torch.testing.assert_close(found, plain, rtol=1e-5, atol=1e-9)


def test_smoothgrad_has_the_noise_that_it_says_and_divides_it_by_its_samples():
    chosen, how = images(3, label=0), {"of": "logit", "method": "smoothgrad", "noise": 0.1}
    x = chosen.load(range(3))
    spread = (x.amax((1, 2, 3)) - x.amin((1, 2, 3))).mean()
    for samples in (1, 25):
        found = maps(network(Squares, 2), chosen, samples=samples, **how) - x
        assert float(found.std()) == pytest.approx(0.1 * float(spread) / samples**0.5, rel=0.06)
        assert abs(float(found.mean())) < 0.01


def test_noise_is_keyed_by_seed_and_name_alone():
    how = {"method": "smoothgrad", "samples": 3, "of": "logit"}
    chosen = images(5, label=0)
    found = maps(network(Squares, 2), chosen, **how)
    other = chosen.subset([4, 2], "some")
    torch.testing.assert_close(maps(network(Squares, 2), other, **how), found[[4, 2]])
    torch.testing.assert_close(maps(network(Squares, 2), chosen, batch_size=2, **how), found)
    assert not torch.equal(maps(network(Squares, 2), chosen, seed=1, **how), found)
    noise = found - chosen.load(range(5))
    assert abs(float(torch.corrcoef(noise.flatten(1))[0, 1])) < 0.2, "each image has its own"


def test_the_gradient_is_captums():
    from captum.attr import Saliency

    module, chosen = trained().load(), images(4, 64, label=[0, 3, 9, 15])
    labels = torch.tensor([0, 3, 9, 15])
    x = chosen.load(range(4)).requires_grad_()
    expected = Saliency(module).attribute(x, target=labels, abs=False)
    found = maps(trained(), chosen, method="gradient", of="logit")
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_integrated_gradients_of_a_linear_network_are_pattern_times_way():
    found = maps(network(), images(), method="integrated_gradients", of="logit")
    expected = (images().load(range(5)) - measure.GREY) * Linear().weights[1].detach()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("of", measure.OF)
def test_integrated_gradients_are_complete(of):
    module, chosen = trained().load(), images(2, 64)
    output = measure.output_of(module, of)
    x, y = chosen.load(range(2)), measure.targets(trained(), chosen, "label")
    found = measure.integrated_gradients(output, x, y, steps=128)
    rise = output(x, y) - output(torch.full_like(x, measure.GREY), y)
    torch.testing.assert_close(found.sum((1, 2, 3)), rise.detach(), rtol=0.02, atol=0.002)


def test_integrated_gradients_are_the_mean_gradient_along_the_way():
    output, chosen = measure.output_of(trained().load(), "logit"), images(1, 64)
    x, y = chosen.load([0]), measure.targets(trained(), chosen, "label")
    ways = (torch.arange(256) + 0.5) / 256
    along = measure.GREY + ways[:, None, None, None] * (x - measure.GREY)
    expected = (x - measure.GREY) * measure.gradient(output, along, y.expand(256, -1)).mean(0)
    found = measure.integrated_gradients(output, x, y, steps=256)
    cosine = torch.cosine_similarity(found.flatten(), expected.flatten(), 0)
    assert float(cosine) > 0.995
    assert float(found.abs().sum() / expected.abs().sum()) == pytest.approx(1, abs=0.02)


def test_grad_cam_by_hand():
    chosen = images(3, 64, label=[2, 7, 7])
    module = trained().load()
    maps_of_conv5 = nn.Sequential(*list(module)[:-1])(chosen.load(range(3)))
    # Pooled by its mean and then linear: the gradient is the weight, evenly over the positions.
    weights = module.head[2].weight[[2, 7, 7]] / (8 * 8)
    expected = relu((maps_of_conv5 * weights[:, :, None, None]).sum(1, keepdim=True))
    expected = interpolate(expected, (64, 64), mode="bilinear", align_corners=False)
    found = maps(trained(), chosen, method="grad_cam", of="logit")
    assert found.shape == (3, 1, 64, 64) and float(found.max()) > 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


def test_a_category_of_several_classes_counts_as_their_sum_of_exponentials():
    both = network(category_classes={"cat": (0, 2), "dog": (1,)})
    chosen = images(category=["cat", "dog", "dog", "cat", "cat"])
    found = maps(both, chosen, method="gradient", of="logit", target="category")
    weights = Linear().weights.detach()
    shares = Linear()(chosen.load(range(5)))[:, [0, 2]].softmax(1).detach()
    cat = torch.einsum("nk,kchw->nchw", shares, weights[[0, 2]])
    torch.testing.assert_close(found[[0, 3, 4]], cat[[0, 3, 4]], rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(found[1], weights[1])


def test_of_its_own_prediction():
    chosen = images(5, label=-1)
    said = Linear()(chosen.load(range(5))).argmax(1)
    found = maps(network(), chosen, method="gradient", of="logit", target="prediction")
    torch.testing.assert_close(found, Linear().weights.detach()[said])


@pytest.mark.parametrize(
    "how, given, said",
    [
        ({"method": "lime"}, images(), "method = 'lime'; choose one of gradient, smoothgrad"),
        ({"of": "score"}, images(), "of = 'score'; choose one of loss, logit"),
        ({"target": "object"}, images(), "target = 'object'; choose one of label, category"),
        ({}, images(2, label=[0, -1]), "1.png of made has no label among the network's classes"),
        ({"target": "texture_category"}, images(2), "0.png of made has no texture_category"),
        ({"method": "grad_cam"}, images(), "L has no probed layers"),
    ],
)
def test_what_cannot_be_explained_is_refused(how, given, said):
    with pytest.raises(ValueError, match=said):
        maps(network(), given, **how)


def test_strength_and_what_is_shown():
    found = torch.tensor([[[[1.0, 0]], [[-3.0, 0]], [[1.0, 2]]]])
    assert strength(found).tolist() == [[[5, 2]]] and strength(found, True).tolist() == [[[-1, 2]]]
    strong = np.arange(200, dtype=np.float32).reshape(2, 10, 10)
    shown = as_shown(np.concatenate([strong, np.zeros_like(strong[:1])]))
    assert shown[0].max() == 1 and shown[0, 5, 0] == pytest.approx(
        50 / np.percentile(range(100), 99)
    )
    assert (shown[2] == 0).all(), "an image without a gradient stays black"
    assert as_shown(strong[:0]).shape == (0, 10, 10)
