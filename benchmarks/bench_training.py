"""What a step of training costs in each regime, what bounds it, and what all of them take.

Prints for each regime the milliseconds of a step: making the images, the search for the adversary
(the mean over the run, in which it has fewer steps at first), forward and backward; and the minutes
of the whole run on these threads. Then the sum for each architecture: they train side by side.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from timing import row, seconds

from shapebias_utils.attacks import pgd
from shapebias_utils.datasets import get_dataset
from shapebias_utils.hardware import cores, fast_bf16, keep_freed_memory
from shapebias_utils.networks import Network, get_network, network_names
from shapebias_utils.networks.branches import through, two_branches
from shapebias_utils.training.flow import Flow, spatial
from shapebias_utils.training.images import images_for
from shapebias_utils.training.objectives import objective
from shapebias_utils.training.recipes import Recipe, recipe_of

LAST = torch.channels_last


def searching(recipe: Recipe) -> float:
    """The mean number of the attack's steps over a run, as a share of those at its end."""
    if recipe.attack is None:
        return 0.0
    found = [recipe.attack_at(progress) for progress in np.linspace(0, 1, 500)]
    return float(np.mean([a.steps if a else 0 for a in found])) / recipe.attack.steps


def parts(network: Network, recipe: Recipe, repeats: int) -> tuple[float, float, float, int]:
    """Seconds of a step for images, adversary and learning, and the number of steps."""
    data, bf16 = get_dataset(network.dataset), fast_bf16(torch.device("cpu"))
    images, module = images_for(recipe, data), network.build().to(memory_format=LAST)
    if recipe.branches:
        two_branches(module)
    rows = list(range(recipe.batch_size))
    y = torch.tensor(images.table["label"].to_numpy())[rows]
    x = images.augment(rows, 0).to(memory_format=LAST)
    optimiser = torch.optim.SGD(module.parameters(), recipe.rate, recipe.momentum)

    def attack() -> None:
        half = len(x) // 2 if recipe.branches else 0
        search = spatial if isinstance(recipe.attack, Flow) else pgd
        module.eval().requires_grad_(False)
        with through(module, "auxiliary"):
            search(module, x[half:], y[half:], recipe.attack, bf16=bf16)
        module.requires_grad_(True)

    def learn() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss, _ = objective(module, module, x, y, recipe, bf16)
        loss.backward()
        optimiser.step()

    def took(work: Callable[[], object]) -> float:
        return seconds(work, repeats, time.perf_counter)[0]

    share = searching(recipe)
    return (
        took(lambda: images.augment(rows, 0)),
        share * took(attack) if share else 0.0,
        took(learn),
        recipe.epochs * (len(images) // recipe.batch_size),
    )


def regimes(
    repeats: int, trainings: Sequence[str] = (), architectures: Sequence[str] = ()
) -> Iterator[tuple[Network, list[float], int]]:
    """Each further regime (of these, if any), its seconds of a step by part, and its steps."""
    for name in network_names("pictograms", further=True):
        network = get_network(name, "pictograms")
        if not network.further or (trainings and network.training not in trainings):
            continue
        if architectures and network.architecture not in architectures:
            continue
        try:
            recipe = recipe_of(get_dataset("pictograms"), network.architecture, network.training)
        except KeyError:  # another view of a network that is trained as it is
            continue
        *costs, steps = parts(network, recipe, repeats)
        yield network, costs, steps


def rows() -> Iterator[dict]:
    """A row a regime of AlexNet, of how it is divided and how long its run is."""
    keep_freed_memory()
    for network, costs, steps in regimes(2, architectures=("AlexNet",)):
        images, adversary, learning = (f"{1000 * cost:.0f}" for cost in costs)
        note = f"images {images} ms, adversary {adversary} ms, learning {learning} ms; "
        note += f"{steps} steps are {steps * sum(costs) / 60:.0f} minutes"
        yield row(f"{network.name}: a step of training", "", sum(costs), None, note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, fastest kept")
    parser.add_argument("--regimes", default="", help="some alone, with commas (sin,joint)")
    chosen = parser.parse_args()
    keep_freed_memory()
    how = "bf16" if fast_bf16(torch.device("cpu")) else "fp32"
    print(f"batches of 64 in {how}, {torch.get_num_threads()} of {cores()} cores")
    print(f"{'ms a step':34} images adversary learning   steps  minutes")
    sums: dict[str, float] = {}
    wanted = [t for t in chosen.regimes.split(",") if t]
    for network, costs, steps in regimes(chosen.repeats, wanted):
        minutes = steps * sum(costs) / 60
        sums[network.architecture] = sums.get(network.architecture, 0.0) + minutes
        columns = "  ".join(f"{1000 * cost:7.1f}" for cost in costs)
        print(f"{network.name:32} {columns}  {steps:6}  {minutes:7.1f}", flush=True)
    print("; ".join(f"{name}: {minutes:.0f} minutes" for name, minutes in sums.items()))


if __name__ == "__main__":
    main()
