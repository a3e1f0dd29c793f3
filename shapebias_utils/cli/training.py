"""``shapebias train`` and ``study``."""

from typing import TYPE_CHECKING, Annotated

import typer

from .printing import choose, shown

if TYPE_CHECKING:
    from pathlib import Path

    from ..networks import Network


def train(
    architecture: Annotated[
        str, typer.Option(help="AlexNet (the default), GoogLeNet or ResNet.")
    ] = "",
    training: Annotated[
        str, typer.Option(help="standard, robust, control or a further regime, such as sin.")
    ] = "robust",
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and crops.")] = 0,
    dataset: Annotated[str, typer.Option(help="A dataset that has recipes.")] = "pictograms",
    all_: Annotated[
        bool, typer.Option("--all", help="All networks, or all of the architecture.")
    ] = False,
    regimes: Annotated[
        bool, typer.Option("--regimes", help="All further regimes, or all of the architecture.")
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
    shapebias train --regimes
    torchrun --nproc-per-node 4 -m shapebias_utils.cli train --architecture resnet
    """
    from ..datasets import get_dataset

    recipes = get_dataset(dataset).recipes()
    if not recipes:
        raise ValueError(f"{dataset} has no recipes: its record names none")
    further = _further(dataset)
    if regimes:
        only = choose("architecture", architecture, further) if architecture else None
        wanted = [(a, t) for a, trainings in further.items() for t in trainings if a == (only or a)]
    elif all_ and architecture:
        architecture = choose("architecture", architecture, recipes)
        wanted = [(architecture, t) for t in recipes[architecture]]
    elif all_:
        wanted = [(a, t) for a, trainings in recipes.items() for t in trainings]
    else:
        architecture = choose("architecture", architecture or "AlexNet", recipes)
        known = [*recipes[architecture], *further.get(architecture, ())]
        wanted = [(architecture, choose("training", training, known))]
    for network in [_network(dataset, *pair, seed) for pair in wanted]:
        _train(network, force)


def _further(dataset: str) -> dict[str, list[str]]:
    """Architecture -> its further regimes that can be trained, in the order of their networks."""
    from ..datasets import get_dataset
    from ..networks import get_network, network_names
    from ..training.recipes import recipe_of

    found: dict[str, list[str]] = {}
    for name in network_names(dataset, further=True):
        network = get_network(name, dataset)
        try:
            recipe_of(get_dataset(dataset), network.architecture, network.training)
        except KeyError:  # another view of a network that is trained as it is
            continue
        if network.further:
            found.setdefault(network.architecture, []).append(network.training)
    return found


def _network(dataset: str, architecture: str, training: str, seed: int) -> "Network":
    from dataclasses import replace

    from ..networks import get_network, network_names

    for name in network_names(dataset, further=True):
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
    from ..training.images import images_for
    from ..training.loop import train as train_by
    from ..training.recipes import recipe_of
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
    record = get_dataset(network.dataset)
    recipe = recipe_of(record, network.architecture, network.training)
    before = recipe.start and _network(
        network.dataset, network.architecture, recipe.start, network.seed
    )
    if not done and out == published and (not before or _trained_here(before) == before):
        train_network(network.name, network.dataset, network.seed)
    elif not done:
        start = before and _start(before)
        label, images = f"{network.name}, seed {network.seed}", images_for(recipe, record)
        train_by(network.build, images, recipe, out, network.seed, start, label)
    distributed.barrier()  # ... or writes
    if first:
        minutes = f"{(time.monotonic() - began) / 60:.1f} minutes"
        how = "trained already, --force trains it anew" if done else minutes
        print(f"{network.name}: {shown(out)}, SHA-256 {file_hash(out)}, {how}")


def _start(network: "Network") -> "Path":
    """Weights to go on from: published ones if they are there, else trained here first."""
    if network.path() is not None and network.path().exists():
        return network.path()
    here = _trained_here(network).path()
    if not here.exists():
        _train(network, force=False)
    return here


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

    from ..datasets import get_dataset
    from ..networks.checkpoints import trained_hash
    from ..training.recipes import facts_of, recipe_of

    out = network.path()
    if not (out.exists() and out.with_suffix(".json").exists()):
        return False
    card = json.loads(out.with_suffix(".json").read_text())
    recipe = recipe_of(get_dataset(network.dataset), network.architecture, network.training)
    start = None
    if recipe.start:
        before = _network(network.dataset, network.architecture, recipe.start, network.seed)
        before = _trained_here(before).path()
        start = trained_hash(before) if before.exists() else card["start"]
    facts = {"recipe": recipe.facts(), "seed": network.seed, "start": start}
    card |= {"recipe": facts_of(card.get("recipe", {}))}
    return all(card.get(k) == v for k, v in facts.items())


STUDIES = {
    "seeds": ("training.studies:seeds", "shape bias and accuracy over three seeds; an hour"),
    "sensitivity": ("training.studies:sensitivity", "shape bias against texture contrast and eps"),
    "eps_curve": ("training.studies:eps_curve", "shape bias and accuracies against training eps"),
    "strengths": (
        "training.strengths:strengths",
        "clean accuracy against the strength of noise and penalties",
    ),
    "training_curves": (
        "training.curves:training_curves",
        "accuracy on validation images in training, once more",
    ),
    "photographs": (
        "training.photographs:study",
        "texture, shape, frequencies on photographs",
    ),
    "corruptions": (
        "measures.corruptions:study",
        "every network's decisions on ImageNet-C's corruptions",
    ),
    "concept_importance": (
        "measures.dissection.importance:study",
        "accuracy without the detectors of a concept",
    ),
    "ablation": ("measures.ablation.study:study", "scores and margins of every channel"),
    "saliency": ("measures.saliency_study:study", "saliency of more images"),
    "routes": ("training.regimes:routes", "shape bias and accuracies of all regimes' networks"),
    "effects": ("measures.evidence:over_seeds", "what the claims are judged by, over three seeds"),
    "mixer": ("site.mixer:mixed", "what the site's cue mixer shows"),
}
"""Name of a study -> the function that keeps its table, and what it is."""


def _listed() -> str:
    return "\n".join(f"    {name:<20}{about}" for name, (_, about) in STUDIES.items())


def study(
    name: Annotated[str, typer.Argument(help="Which one.")],
    notebook: Annotated[
        list[str] | None, typer.Option(help="Of `effects`: one notebook's (03); may be repeated.")
    ] = None,
    architecture: Annotated[
        list[str] | None, typer.Option(help="Of `effects`: of these alone; may be repeated.")
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Whose networks, where a study asks.")
    ] = "pictograms",
) -> None:
    from inspect import signature
    from pkgutil import resolve_name

    from ..datasets import get_dataset
    from ..measures.evidence import EVIDENCE

    where, _ = STUDIES[choose("study", name, list(STUDIES))]
    keep = resolve_name(f"shapebias_utils.{where}")
    record = get_dataset(dataset)
    asked = {
        "dataset": record,
        "notebooks": [choose("notebook", n.zfill(2), list(EVIDENCE)) for n in notebook or ()],
        "architectures": [
            choose("architecture", a, list(record.recipes())) for a in architecture or ()
        ],
    }
    table = keep(**{k: v for k, v in asked.items() if k in signature(keep).parameters})
    print(table.to_string(index=False))


study.__doc__ = f"""Run a study that takes long, and keep its table with the repository.

    They train or compute what is not there yet, and go on where they were stopped.

    \b
{_listed()}

    \b
    shapebias study seeds
    shapebias study effects --notebook 03
    """
