"""Gradients, SmoothGrad and Integrated Gradients beside captum, of the same loss, in one batch."""

from collections.abc import Iterator

import torch
from timing import row, seconds

from shapebias_utils.datasets import get_dataset
from shapebias_utils.hardware import float32, keep_freed_memory
from shapebias_utils.measures import saliency
from shapebias_utils.networks import get_network

IMAGES, SAMPLES = 8, 10


def rows() -> Iterator[dict]:
    from captum.attr import NoiseTunnel, Saliency

    keep_freed_memory()
    network, data = get_network("ResNet", "pictograms"), get_dataset("pictograms")
    images = data.images("validation").subset(range(IMAGES), "few")
    module, x = network.load(), images.load(range(IMAGES))
    y = saliency.targets(network, images, "label")
    output = saliency.output_of(module, "loss")
    keys = images.table["imagename"].tolist()
    x = x.to(memory_format=torch.channels_last)

    def captums(samples: int = 0) -> torch.Tensor:
        seen = x.clone().requires_grad_()
        if not samples:
            return Saliency(output).attribute(seen, abs=False, additional_forward_args=(y,))
        return NoiseTunnel(Saliency(output)).attribute(
            seen, nt_type="smoothgrad", nt_samples=samples, nt_samples_batch_size=1,
            stdevs=saliency.NOISE, abs=False, additional_forward_args=(y,),
        )  # fmt: skip

    with float32():
        ours, found = seconds(lambda: saliency.gradient(output, x, y))
        theirs, wanted = seconds(captums)
        apart = (found - wanted).abs().max().item()
        yield row("gradient", "captum", ours, theirs, 0.9, f"largest difference {apart:.0e}")
        ours, _ = seconds(
            lambda: saliency.smoothgrad(output, x, y, keys, SAMPLES, saliency.NOISE), 2
        )
        theirs, _ = seconds(lambda: captums(SAMPLES), 2)
        yield row("SmoothGrad", "captum", ours, theirs, 0.9, f"{SAMPLES} noisy copies")


if __name__ == "__main__":
    for found in rows():
        print(found)
