"""``shapebias doctor``, ``fetch``, ``networks``, ``datasets`` and ``clean``."""

from typing import Annotated

import typer

from .printing import shown, table


def doctor(
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if the default run lacks something.")
    ] = False,
) -> None:
    """Show what is there and what is missing, and for that the command or link that brings it."""
    from ..doctor import examine

    findings = examine()
    table([(f.state, f.topic, f.name, f.detail) for f in findings])
    lacking = [f for f in findings if f.state != "ok"]
    if lacking:
        print("\nWhat is not there comes by")
        table([(f"  {f.name}", f.remedy) for f in lacking if f.remedy])
    needed = [f.name for f in lacking if f.needed]
    print(
        "\nThe default run lacks " + ", ".join(needed)
        if needed
        else "\nThe default run has all it needs."
    )
    if strict and needed:
        raise typer.Exit(1)


def fetch(
    name: Annotated[str, typer.Argument(help="As in the list that `shapebias fetch list` prints.")],
) -> None:
    """Download a checkpoint or a dataset; an interrupted download goes on, its hash is checked.

    Published networks, which have a colon in their names, are downloaded by their own libraries.

    \b
    shapebias fetch list
    shapebias fetch alexnet
    shapebias fetch tiny_imagenet
    shapebias fetch timm:resnet50.a1_in1k
    """
    from ..downloads import DOWNLOADS
    from ..downloads import fetch as download

    if ":" in name:
        from ..networks import adapters

        path = adapters.fetch(name)
        print(f"{name}: {adapters.described(name)}")
        return print(shown(path))
    if name == "list":
        return table([(d.name, d.size(), d.hash(), d.note) for d in DOWNLOADS.values()])
    if name not in DOWNLOADS:
        raise ValueError(
            f"unknown download {name!r}; there are {', '.join(DOWNLOADS)} "
            "(`shapebias doctor` has links to the rest)"
        )
    print(shown(download(DOWNLOADS[name])))


def networks(
    dataset: Annotated[str, typer.Option(help="Only this one's; else those of all.")] = "",
) -> None:
    """List the networks: architecture, training, and whether the checkpoint is there."""
    from ..datasets import dataset_names
    from ..doctor import checkpoint_state
    from ..networks import get_network, network_names

    rows = [("dataset", "network", "architecture", "training", "checkpoint")]
    for where in [dataset] if dataset else dataset_names():
        for name in network_names(where):
            network = get_network(name, where)
            state, why = checkpoint_state(network)
            rows.append((where, name, network.architecture, network.training, f"{state}: {why}"))
    table(rows)


def datasets() -> None:
    """List the datasets."""
    from ..datasets import dataset_names, get_dataset

    rows = [("dataset", "title", "images", "classes", "attack")]
    for record in map(get_dataset, dataset_names()):
        attack = (
            f"L{record.attack.constraint} eps {record.attack.eps:g}, {record.attack.steps} steps"
        )
        size = f"{record.size} x {record.size}"
        rows.append((record.name, record.title, size, str(record.n_classes), attack))
    table(rows)


def clean(
    what: Annotated[str, typer.Argument(help="results, figures, images or build.")],
) -> None:
    """Remove caches, which come back when they are needed; committed files and checkpoints stay.

    A run that is going on is not disturbed: what it holds or writes just now stays, too.

    \b
    results   tables computed for one network and one set of images, also those of older code
    figures   figures that are not committed
    images    rendered pictograms; photographs decoded, stylized or reduced to silhouettes;
              Broden's labels
    build     executed notebooks and their HTML
    """
    from ..cleaning import clean as remove

    removed, kept = remove(what)
    print(
        f"{removed} file{'s' * (removed != 1)} removed"
        + (f", {kept} committed or in use kept" if kept else "")
    )
