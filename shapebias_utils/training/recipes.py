"""How networks are trained: a recipe is one record, and so is a regime."""

from dataclasses import dataclass, replace

import numpy as np

from ..attacks import Attack


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of one training run: SGD with momentum.

    `schedule` is "one-cycle" (up to `rate` over the first quarter, down to zero, cosine) or
    "step" (`rate`, divided by 10 every third of the epochs). `start` names the training whose
    final weights the run goes on from; None starts from scratch. `attack` None trains on the
    images themselves (Eq. 1), else on their worst neighbours (Eq. 2); its eps rises linearly from
    0 over the first `ramp` of all steps.
    """

    epochs: int
    rate: float
    batch_size: int = 64
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "one-cycle"
    start: str | None = None
    attack: Attack | None = None
    ramp: float = 0.0

    def rate_at(self, progress: float) -> float:
        """Learning rate at a share of all steps, from 0 to 1."""
        if self.schedule == "step":
            return self.rate * 0.1 ** int(3 * progress)
        rising = 0.25
        phase = progress / rising if progress < rising else (1 - progress) / (1 - rising)
        # A plain float: a NumPy scalar in the state could not be loaded safely again.
        return float(self.rate * (1 - np.cos(np.pi * min(max(phase, 0.0), 1.0))) / 2)

    def attack_at(self, progress: float) -> Attack | None:
        """The attack at a share of all steps, None while its eps is 0."""
        if self.attack is None or (self.ramp and progress <= 0):
            return None
        return self.attack.scaled(
            self.attack.eps * min(1.0, progress / self.ramp if self.ramp else 1)
        )


PAPER = Recipe(
    epochs=90, rate=0.1, batch_size=256, weight_decay=1e-4, schedule="step",
    attack=Attack(eps=3.0, step_size=0.5, steps=7, use_best=False),
)  # fmt: skip
"""The paper's adversarial training (Sec. 2)."""

_PGD3 = Attack(eps=2.5, step_size=1.25, steps=3, use_best=False)


def _pictogram_recipes(standard: int, further: int) -> dict[str, Recipe]:
    """S from scratch; R (at eps 2.5) and its control (at eps 0) go on from S for as many epochs."""
    onwards = Recipe(epochs=further, rate=0.03, start="standard")
    return {
        "standard": Recipe(epochs=standard, rate=0.05),
        "robust": replace(onwards, attack=_PGD3, ramp=0.6),
        "control": onwards,
    }


PICTOGRAMS = {
    "AlexNet": _pictogram_recipes(standard=12, further=7),
    "GoogLeNet": _pictogram_recipes(standard=14, further=7),
    "ResNet": _pictogram_recipes(standard=12, further=7),
}
IMAGENET = {
    architecture: {"standard": replace(PAPER, attack=None), "robust": PAPER}
    for architecture in ("AlexNet", "GoogLeNet", "ResNet")
}
"""Architecture -> training -> recipe, of each dataset."""
