"""``shapebias train`` and ``study``."""

from typing import TYPE_CHECKING, Annotated

import typer

from .printing import choose, shown

if TYPE_CHECKING:
    from ..networks import Network


def train(
    architecture: Annotated[
        str, typer.Option(help="AlexNet (the default), GoogLeNet or ResNet.")
    ] = "",
    training: Annotated[str, typer.Option(help="standard, robust or control.")] = "robust",
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and crops.")] = 0,
    dataset: Annotated[str, typer.Option(help="A dataset that has recipes.")] = "pictograms",
    all_: Annotated[
        bool, typer.Option("--all", help="All networks, or all of the architecture.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Delete a finished checkpoint and train anew.")
    ] = False,
) -> None:
    """Train a network by its recipe, and first the one it goes on from.

    Progress, a log and a checkpoint are written every epoch; a run that was stopped goes on from
    its last epoch. A finished network is not trained again. Published ImageNet weights are never
    written over: what is trained here gets a file of its own, for a network of your own.

    \b
    shapebias train --architecture alexnet --training robust
    shapebias train --all --seed 1
    shapebias train --all --architecture resnet
    torchrun --nproc-per-node 4 -m shapebias_utils.cli train --architecture resnet
    """
    from ..datasets import get_dataset

    recipes = get_dataset(dataset).recipes()
    if not recipes:
        raise ValueError(f"{dataset} has no recipes: its record names none")
    if all_ and architecture:
        architecture = choose("architecture", architecture, recipes)
        wanted = [(architecture, t) for t in recipes[architecture]]
    elif all_:
        wanted = [(a, t) for a, trainings in recipes.items() for t in trainings]
    else:
        architecture = choose("architecture", architecture or "AlexNet", recipes)
        wanted = [(architecture, choose("training", training, recipes[architecture]))]
    for network in [_network(dataset, *pair, seed) for pair in wanted]:
        _train(network, force)


def _network(dataset: str, architecture: str, training: str, seed: int) -> "Network":
    from dataclasses import replace

    from ..networks import get_network, network_names

    for name in network_names(dataset):
        network = get_network(name, dataset)
        if (network.architecture, network.training) == (architecture, training):
            published = network.path() is None or network.path().suffix != ".safetensors"
            # What is trained in place of published weights may have any seed.
            return replace(network, seed=seed) if published else get_network(name, dataset, seed)
    raise ValueError(f"{dataset} has no {training} {architecture}; `shapebias networks` lists them")


def _train(network: "Network", force: bool) -> None:
    import time

    from .. import distributed
    from ..datasets import get_dataset
    from ..networks.checkpoints import file_hash
    from ..training.loop import train as train_by
    from ..training.studies import train_network

    published = network.path()
    network = _trained_here(network)
    out, began = network.path(), time.monotonic()
    first = distributed.rank() == 0
    done = not force and _is_trained(network)
    if force and first:
        for suffix in (".safetensors", ".json", ".csv", ".state.pt"):
            out.with_suffix(suffix).unlink(missing_ok=True)
    distributed.barrier()  # all wait for the one who deletes
    if not done and out == published:
        train_network(network.name, network.dataset, network.seed)
    elif not done:
        recipe = get_dataset(network.dataset).recipes()[network.architecture][network.training]
        images = get_dataset(network.dataset).images("train")
        label = f"{network.name}, seed {network.seed}"
        train_by(network.build, images, recipe, out, network.seed, None, label)
    distributed.barrier()  # ... or writes
    if first:
        minutes = f"{(time.monotonic() - began) / 60:.1f} minutes"
        how = "trained already, --force trains it anew" if done else minutes
        print(f"{network.name}: {shown(out)}, SHA-256 {file_hash(out)}, {how}")


def _trained_here(network: "Network") -> "Network":
    """The network, its checkpoint in a file of our own where its weights are published ones."""
    from dataclasses import replace

    if network.path() is not None and network.path().suffix == ".safetensors":
        return network
    stem = f"{network.architecture.lower()}_{network.training}_seed{network.seed}"
    return replace(network, checkpoint=f"{network.dataset}/{stem}.safetensors", sha256=None)


def _is_trained(network: "Network") -> bool:
    """Whether its checkpoint is finished, by today's recipe and from today's starting weights."""
    import json
    from dataclasses import asdict

    from ..datasets import get_dataset
    from ..networks.checkpoints import trained_hash

    out = network.path()
    if not (out.exists() and out.with_suffix(".json").exists()):
        return False
    card = json.loads(out.with_suffix(".json").read_text())
    recipe = get_dataset(network.dataset).recipes()[network.architecture][network.training]
    start = None
    if recipe.start:
        before = _network(network.dataset, network.architecture, recipe.start, network.seed).path()
        start = trained_hash(before) if before.exists() else card["start"]
    facts = {"recipe": json.loads(json.dumps(asdict(recipe))), "seed": network.seed, "start": start}
    return all(card.get(k) == v for k, v in facts.items())


def study(
    name: Annotated[str, typer.Argument(help="seeds, sensitivity or eps_curve.")],
) -> None:
    """Run a study that trains many networks, and keep its table with the repository.

    `seeds`: shape bias and accuracy of all pictogram networks from three seeds (about an hour on
    two cores). `sensitivity`: shape bias of AlexNet against the contrast of the textures and the
    eps of training. `eps_curve`: the same and accuracies against the eps of training alone, of
    AlexNet from three seeds and of ResNet. They train what is not there yet, and go on where they
    were stopped.

    \b
    shapebias study seeds
    """
    from ..training import studies

    known = {
        "seeds": studies.seeds,
        "sensitivity": studies.sensitivity,
        "eps_curve": studies.eps_curve,
    }
    table = known[choose("study", name, list(known))]()
    print(table.to_string(index=False))
