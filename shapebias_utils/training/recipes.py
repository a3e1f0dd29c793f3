"""How networks are trained: a recipe is one record, and so is a regime."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from ..attacks import Attack
from ..datasets import Dataset
from .flow import Flow


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of one training run: SGD with momentum.

    `schedule` is "one-cycle" (up to `rate` over the first quarter, down to zero, cosine), "step"
    (`rate`, divided by 10 every third of the epochs) or "half" (once, half-way). `start` names the
    training whose final weights the run goes on from; None starts from scratch. `attack` None
    trains on the images themselves (Eq. 1), else on their worst neighbours (Eq. 2); its eps rises
    linearly from 0 over the first `ramp` of all steps, and with `rising_steps` so does its number
    of steps.

    `images` names the renditions of the training images that a batch is drawn from, each image in
    one of them at random, so that an epoch is as long as ever. `branches` is AdvProp (Xie et al.
    2020): the first half of a batch stays as it is, the second is attacked, and each half has batch
    norms of its own; the network proper is the one of the clean half. `noise` is the standard
    deviation of Gaussian noise on every image (Cohen et al. 2019). `smooth_filters` and
    `smooth_gradients` weigh what is added to the loss: the mean total variation of the first
    convolution's filters, and the squared L2 norm of the loss's gradient by the image. A run with
    `until` ends with the epoch that reaches this accuracy on clean images it does not train on.
    """

    epochs: int
    rate: float
    batch_size: int = 64
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "one-cycle"
    start: str | None = None
    attack: Attack | Flow | None = None
    ramp: float = 0.0
    rising_steps: bool = False
    images: tuple[str, ...] = ("natural",)
    branches: bool = False
    noise: float = 0.0
    smooth_filters: float = 0.0
    smooth_gradients: float = 0.0
    until: float | None = None

    def facts(self) -> dict:
        """The recipe as a dictionary, in the form in which :func:`facts_of` compares them."""
        return facts_of(asdict(self))

    def rate_at(self, progress: float) -> float:
        """Learning rate at a share of all steps, from 0 to 1."""
        if self.schedule == "step":
            return self.rate * 0.1 ** int(3 * progress)
        if self.schedule == "half":
            return self.rate * 0.1 ** int(2 * progress)
        rising = 0.25
        phase = progress / rising if progress < rising else (1 - progress) / (1 - rising)
        # A plain float: a NumPy scalar in the state could not be loaded safely again.
        return float(self.rate * (1 - np.cos(np.pi * min(max(phase, 0.0), 1.0))) / 2)

    def attack_at(self, progress: float) -> Attack | Flow | None:
        """The attack at a share of all steps, None while its eps is 0."""
        if self.attack is None or (self.ramp and progress <= 0):
            return None
        share = min(1.0, progress / self.ramp if self.ramp else 1)
        attack = self.attack.scaled(self.attack.eps * share)
        if self.rising_steps:
            attack = replace(attack, steps=max(1, math.ceil(share * attack.steps)))
        return attack


def facts_of(recipe: dict) -> dict:
    """A recipe written down as a dictionary, without those of its newer fields (from
    `rising_steps` on) that are not in use: so it equals one of before there were such fields."""
    names = [f.name for f in fields(Recipe)]
    newer = {f.name: f.default for f in fields(Recipe)[names.index("rising_steps") :]}
    plain = json.loads(json.dumps(recipe))
    return {k: v for k, v in plain.items() if k not in newer or v != _plain(newer[k])}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


PAPER = Recipe(
    epochs=90, rate=0.1, batch_size=256, weight_decay=1e-4, schedule="step",
    attack=Attack(eps=3.0, step_size=0.5, steps=7, use_best=False),
)  # fmt: skip
"""The paper's adversarial training (Sec. 2)."""

_PGD3 = Attack(eps=2.5, step_size=1.25, steps=3, use_best=False)


_ONWARDS = 7
"""Epochs by which R, its control and most regimes go on from the standard weights."""


def _pictogram_recipes(standard: int, further: int = _ONWARDS) -> dict[str, Recipe]:
    """S from scratch; R (at eps 2.5) and its control (at eps 0) go on from S for as many epochs."""
    onwards = Recipe(epochs=further, rate=0.03, start="standard")
    return {
        "standard": Recipe(epochs=standard, rate=0.05),
        "robust": replace(onwards, attack=_PGD3, ramp=0.6),
        "control": onwards,
    }


def regimes(of: Mapping[str, Recipe]) -> dict[str, Recipe]:
    """The further regimes of an architecture that is trained by these recipes.

    Each takes the steps of a control that is there already: from scratch those of "standard", from
    the standard weights those of "control". An attack is as long in units of R's eps as it is in
    the paper in units of its own 3.
    """
    scratch, onwards, eps = of["standard"], of["control"], of["robust"].attack.eps
    worst = replace(onwards, attack=of["robust"].attack, ramp=0.6, rising_steps=True)

    def within(bound: float, **changes) -> Recipe:
        return replace(worst, attack=replace(worst.attack.scaled(bound), **changes))

    def linf(levels: float, steps: int = 3) -> Recipe:
        attack = Attack(
            eps=levels / 255, step_size=levels / 255 / (1 if steps == 1 else 2), steps=steps,
            constraint="inf", use_best=False,
        )  # fmt: skip
        return replace(worst, attack=attack)

    return {
        # Xie et al. 2020. The paper reads PGD1 and PGD5 as L2 eps 1 and 5 (of 3); in the code that
        # such names come from they are one and five steps of an attack, here at R's eps.
        "advprop-pgd1": replace(within(eps / 3), branches=True),
        "advprop-pgd5": replace(within(eps * 5 / 3), branches=True),
        "advprop-1step": replace(within(eps, steps=1, step_size=eps), branches=True),
        "advprop-5steps": replace(within(eps, steps=5), branches=True),
        # Geirhos et al. 2019: on images whose texture says nothing; then natural ones (the paper's
        # reading of SIN+IN), or natural ones from the start and then alone (their model C).
        "sin": replace(scratch, images=("stylized",)),
        "sin-in": replace(onwards, start="sin"),
        "sin-and-in": replace(scratch, images=("natural", "stylized")),
        "sin-in-joint": replace(onwards, start="sin-and-in"),
        # Zhang & Zhu 2019.
        "linf2": linf(2),
        "linf4": linf(4),
        "linf8": linf(8),
        "fgsm4": linf(4, steps=1),
        "fgsm8": linf(8, steps=1),
        "spatial": replace(worst, attack=Flow()),
        # ... and their S that is stopped early: R labels about half of all validation images.
        "underfit": replace(scratch, until=0.5),
        # Cohen et al. 2019: noise that costs AlexNet as much clean accuracy as R's attack does
        # (validation images labelled correctly: R .47; at .125, .25 and .375 .76, .57 and .27).
        "noise": replace(onwards, noise=0.29),
        # The paper's Sec. 5: smoothness without an adversary, in two strengths, chosen by clean
        # accuracy alone: the weaker costs a tenth of what R's attack costs, the other half of it
        # (control .81, R .47; filters .77 and .61, gradients .78 and .67); and adversarial
        # training on images half of which have a texture that says nothing.
        "smooth-filters-weak": replace(onwards, smooth_filters=0.3),
        "smooth-filters": replace(onwards, smooth_filters=3.0),
        "smooth-gradients-weak": replace(onwards, smooth_gradients=0.1),
        "smooth-gradients": replace(onwards, smooth_gradients=1.0),
        "joint": replace(worst, images=("natural", "stylized")),
    }


PICTOGRAMS = {
    "AlexNet": _pictogram_recipes(standard=12),
    "GoogLeNet": _pictogram_recipes(standard=14),
    "ResNet": _pictogram_recipes(standard=12),
}


def _published_regimes() -> dict[str, Recipe]:
    """ResNet-50's further regimes on ImageNet, as those who published them trained."""

    def advprop(**attack) -> Recipe:
        return replace(PAPER, attack=replace(PAPER.attack, **attack), branches=True)

    def linf(levels: int, **attack) -> Recipe:
        """Zhang & Zhu's attacks: steps of half of eps, 20 of them unless it is FGSM."""
        usual = {"step_size": levels / 510, "steps": 20} | attack
        attack = Attack(eps=levels / 255, constraint="inf", use_best=False, **usual)
        return replace(PAPER, attack=attack)

    # Geirhos et al. 2019, App. A: all divided by 10 in thirds, the last one half-way.
    geirhos = replace(PAPER, attack=None)
    tuned = replace(geirhos, epochs=60, rate=0.01, schedule="half")
    pixel = {"constraint": "inf", "step_size": 1 / 255}
    return {
        "advprop-pgd1": advprop(eps=1.0, step_size=0.5 / 3),
        "advprop-pgd5": advprop(eps=5.0, step_size=2.5 / 3),
        # PGD-1 and PGD-5 as AdvProp's authors mean them: steps of one grey level.
        "advprop-1step": advprop(eps=1 / 255, steps=1, **pixel),
        "advprop-5steps": advprop(eps=4 / 255, steps=5, **pixel),
        "sin": replace(geirhos, epochs=60, images=("stylized",)),
        "sin-in": replace(tuned, start="sin"),
        "sin-and-in": replace(geirhos, epochs=45, images=("natural", "stylized")),
        "sin-in-joint": replace(tuned, start="sin-and-in"),
        **{f"linf{levels}": linf(levels) for levels in (1, 2, 4, 8)},
        **{f"fgsm{n}": linf(n, steps=1, step_size=n / 255) for n in (8, 16)},
        "noise": replace(geirhos, noise=0.25),  # Cohen et al. 2019
    }


IMAGENET = {
    architecture: {"standard": replace(PAPER, attack=None), "robust": PAPER}
    for architecture in ("AlexNet", "GoogLeNet", "ResNet")
}
"""Architecture -> training -> recipe, of each dataset."""

PUBLISHED = {"imagenet": {"ResNet": _published_regimes()}}
"""Dataset -> architecture -> further regimes, where they are published ones."""


def recipe_of(dataset: Dataset, architecture: str, training: str) -> Recipe:
    """How a network of the dataset is trained: by the dataset's own recipe, or by that of a
    further regime. KeyError if there is none."""
    own = dataset.recipes()[architecture]
    if training in own:
        return own[training]
    published = PUBLISHED.get(dataset.name)
    further = regimes(own) if published is None else published[architecture]
    return further[training]
