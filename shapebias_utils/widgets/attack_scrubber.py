"""The attack scrubber: an image on its way to being misread, step by step of eps."""

from collections.abc import Iterator, Sequence

import ipywidgets
import torch
from torch import Tensor

from ..attacks import pgd
from ..datasets import Dataset, ImageSet
from ..hardware import device, float32
from ..networks import Network
from .panel import Answers, picture, screen, watch

MAGNIFIED = 10
"""Times that the perturbation is enlarged."""


def attack_scrubber(
    networks: Sequence[Network], images: ImageSet, dataset: Dataset
) -> ipywidgets.Widget:
    """A slider over the dataset's budgets; under it each network's own adversarial image.

    Attacks are the dataset's, at each of its `eps_grid`. They are made while nothing moves, that
    of the eps shown first, and kept; until one is there, the closest stands in, its change scaled.
    ValueError where an image has no label.
    """
    answers = Answers(networks)
    levels = dataset.eps_grid
    row = ipywidgets.BoundedIntText(0, 0, len(images) - 1, description="image")
    eps = ipywidgets.SelectionSlider(options=levels, value=levels[0], description="eps")
    name = ipywidgets.Label()
    titles = {n.name: ipywidgets.Label() for n in networks}
    pictures = {n.name: screen() for n in networks}
    changes = {n.name: screen() for n in networks}
    bars = ipywidgets.HTML()
    known: dict[tuple[int, str], dict[float, Tensor]] = {}

    def path(network: Network) -> dict[float, Tensor]:
        """What is known of eps -> image (1, 3, H, W)."""
        at = row.value, network.name
        if at not in known:
            if images.table["label"].iloc[at[0]] < 0:
                raise ValueError(f"{images.table['imagename'].iloc[at[0]]} has no label to attack")
            known[at] = {0.0: images.load([at[0]])}
        return known[at]

    def show() -> None:
        facts = images.table.iloc[row.value]
        name.value = f"{facts['imagename']}: {facts['category']}"
        scores = []
        for network in networks:
            own = path(network)
            x = own.get(eps.value)
            titles[network.name].value = network.name + (", about" if x is None else "")
            if x is None:
                x = _scaled(own, eps.value)
            pictures[network.name].value = picture(x[0])
            changes[network.name].value = picture(0.5 + MAGNIFIED * (x[0] - own[0.0][0]))
            scores.append(answers.scores(network, x)[0])
        bars.value = answers.bars_of(scores, {facts["category"]: "right"})

    def make() -> Iterator[None]:
        label = torch.tensor([int(images.table["label"].iloc[row.value])], device=device())
        names = [images.table["imagename"].iloc[row.value]]
        for level in sorted(levels, key=lambda other: other != eps.value):
            for network in networks:
                own, module = path(network), answers.modules[network.name]
                if level not in own:
                    with float32():
                        x, attack = own[0.0].to(device()), dataset.attack.scaled(level)
                        own[level] = pgd(module, x, label, attack, names).cpu()
                    yield
            if level == eps.value:
                show()

    watch([row, eps], show, make)
    columns = [
        ipywidgets.VBox(
            [titles[n.name], pictures[n.name],
             ipywidgets.Label(f"change, {MAGNIFIED} times"), changes[n.name]]
        )
        for n in networks
    ]  # fmt: skip
    return ipywidgets.VBox([ipywidgets.HBox([row, eps, name]), ipywidgets.HBox(columns), bars])


def _scaled(path: dict[float, Tensor], eps: float) -> Tensor:
    """The image at the closest eps that is known, its change scaled to this one."""
    closest = min(path, key=lambda level: (level == 0, abs(level - eps)))
    if not closest:
        return path[0.0]
    return (path[0.0] + (path[closest] - path[0.0]) * (eps / closest)).clamp(0, 1)
