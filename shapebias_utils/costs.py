"""What an experiment costs: images x passes x operations of a pass, over what a machine does.

``python -m shapebias_utils.costs`` writes the tables of ``docs/at_scale.md``; a test compares, and
holds the model against runs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .paths import ROOT

if TYPE_CHECKING:
    from torch import nn

    from .attacks import Attack
    from .training.recipes import Recipe

GUIDE = ROOT / "docs" / "at_scale.md"

BY_IMAGE, BY_WEIGHTS = 1.0, 1.0
"""What the gradient by the image and that by the weights cost, in forward passes: each is as many
multiplications again."""


@dataclass(frozen=True)
class Work:
    """Some work of one network: images, and passes through it for each, in forward passes."""

    what: str
    images: int
    passes: float

    def seconds(self, operations: float, speed: float) -> float:
        """At so many operations a pass (:func:`operations`) and a second (:func:`speed`)."""
        return self.images * self.passes * operations / speed


def attack_passes(attack: "Attack") -> float:
    """Of :func:`shapebias_utils.attacks.pgd`: each step is forward and back to the image; where the
    worst image is sought among all steps', the last one's is judged besides."""
    judged = attack.use_best or attack.restarts > 1
    return attack.restarts * (attack.steps * (1 + BY_IMAGE) + judged)


def training_passes(recipe: "Recipe") -> float:
    """Of an image in an epoch: forward and back to the weights, after its attack."""
    attack = attack_passes(recipe.attack) if recipe.attack else 0.0
    return 1 + BY_IMAGE + BY_WEIGHTS + attack


def operations(build: "Callable[[], nn.Module]", size: int) -> float:
    """Floating-point operations of one forward pass of an image of `size` x `size` pixels.

    Those of convolutions and matrix products, two a multiplication; nothing is computed.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        network, image = build().eval(), torch.empty(1, 3, size, size)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        network(image)
    return float(counted.get_total_flops())


def speed(work: Work, operations: float, seconds: float) -> float:
    """Operations a second of a machine that took so long for the work."""
    return work.seconds(operations, 1.0) / seconds


# --- the tables of the guide ----------------------------------------------------------------------

VALIDATION, TRAIN, STIMULI, BRODEN = 50_000, 1_281_167, 1_280, 63_305

CHANNELS = {"AlexNet": 1152, "GoogLeNet": 5808, "ResNet": 3904}
"""Probed channels of an architecture: each is ablated in a pass of its own, on average through half
of the network."""

MACHINES = {
    "two laptop cores": (60e9, 60e9),
    "one GPU": (8e12, 60e12),
    "8 GPUs": (64e12, 480e12),
}
"""Machine -> operations a second when measuring, in float32, and when training. Round numbers: 30
GFLOP/s a core; a GPU of 20 TFLOP/s in float32 and 312 in bfloat16 reaches two fifths and a fifth
of these."""


def notebooks(architecture: str) -> list[Work]:
    """What the notebooks ask of one network with their defaults on ImageNet, and beyond."""
    from .datasets import get_dataset
    from .measures.robustness import FIRST_STEPS

    attack = get_dataset("imagenet").attack
    attacked = attack_passes(attack) + attack_passes(replace(attack, steps=FIRST_STEPS))
    return [
        Work("01, 02: all photographs, clean", VALIDATION, 1),
        Work("01: 480 of them attacked", 480, attacked),
        Work("01: all of them attacked (`images_attacked 0`)", VALIDATION, attacked),
        Work("03: cue conflict", STIMULI, 1),
        Work("04: 800 photographs, 25 distortions and levels", 800, 25),
        Work("06: Broden (`n_labelled 0`), thresholds and counts", BRODEN, 2),
        Work("07: every channel ablated", STIMULI, CHANNELS[architecture] / 2),
        Work("08: 40 photographs in 95 corruptions", 40, 95),
        Work("08: all of them (`images_per_set 50000`)", VALIDATION, 95),
        Work("09: gradients, SmoothGrad of two", 320 + 200, 1 + BY_IMAGE),
    ]


def trainings() -> list[Work]:
    """The paper's recipes."""
    from .training.recipes import IMAGENET

    names = {"standard": "S: 90 epochs", "robust": "R: 90 epochs, PGD of 7 steps"}
    return [
        Work(names[training], TRAIN * recipe.epochs, training_passes(recipe))
        for training, recipe in IMAGENET["ResNet"].items()
    ]


def tables() -> dict[str, str]:
    """Name -> Markdown table: hours by machine, of S and R of all architectures and of one."""
    from .networks import zoo

    builds = {"AlexNet": zoo.alexnet, "GoogLeNet": zoo.googlenet, "ResNet": zoo.resnet50}
    each = {name: operations(build, 224) for name, build in builds.items()}
    evaluated = {
        works[0].what: [2 * sum(w.seconds(each[a], s[0]) for a, w in zip(each, works, strict=True))
                        for s in MACHINES.values()]
        for works in zip(*map(notebooks, each), strict=True)
    }  # fmt: skip
    trained = {
        f"{name}, {work.what}": [work.seconds(each[name], s[1]) for s in MACHINES.values()]
        for work in trainings()
        for name in each
    }
    passes = {name: [f"{count / 1e9:.1f}"] for name, count in each.items()}
    return {
        "operations": _markdown(["network, 224 pixels", "GFLOP a pass"], passes),
        "evaluation": _markdown(["the six networks", *MACHINES], _spelt(evaluated)),
        "training": _markdown(["one network", *MACHINES], _spelt(trained)),
    }


def _spelt(rows: Mapping[str, list[float]]) -> dict[str, list[str]]:
    return {name: [duration(seconds) for seconds in row] for name, row in rows.items()}


def duration(seconds: float) -> str:
    """To two digits, in the largest unit of which there is more than one."""
    for unit, length in (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds > 1.5 * length:
            return f"{float(f'{seconds / length:.2g}'):g} {unit}"
    return f"{float(f'{seconds:.2g}'):g} seconds"


def _markdown(header: list[str], rows: Mapping[str, list[str]]) -> str:
    lines = [header, ["---"] * len(header), *([name, *row] for name, row in rows.items())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def filled(text: str) -> str:
    """The guide with the tables of today."""
    for name, table in tables().items():
        block = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(
            block, lambda found, table=table: found[1] + table + found[2], text, flags=re.S
        )
    return text


if __name__ == "__main__":
    GUIDE.write_text(filled(GUIDE.read_text()))
