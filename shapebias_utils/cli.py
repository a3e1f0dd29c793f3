"""The command line: ``shapebias run``, ``train``, ``doctor``, ``fetch``, ``networks``, ...

Everything heavy is imported inside the commands, so that ``shapebias --help`` answers at once.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .networks import Network

INTERRUPTED = 130  # what shells expect after Ctrl-C

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Shape and texture bias of adversarially trained networks: notebooks, training, data.

    \b
    shapebias run all                  every notebook on Pictogram-16: no download, minutes
    shapebias run 3 -p dataset imagenet
    shapebias doctor                   what is there, what is missing, and how it comes
    """


@app.command()
def run(
    name: Annotated[str, typer.Argument(help='Number ("3"), name ("03_cue_conflict") or "all".')],
    parameters: Annotated[
        list[str],
        typer.Option("-p", metavar="NAME VALUE", help="A parameter of the notebook; repeatable."),
    ] = [],  # noqa: B006
    out: Annotated[
        Path | None, typer.Option(help="Folder of the executed copy, else build/<dataset>.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="Also write the copy as HTML.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Put the new outputs into the notebook itself.")
    ] = False,
) -> None:
    """Run a notebook, or all of them, without Jupyter.

    The notebook stays as it is: an executed copy is written. Parameters are checked before
    anything runs: those that a notebook has stand in its cell tagged "parameters", and an unknown
    one lists them. With "all", each notebook gets those of the parameters that it has.

    \b
    shapebias run 3
    shapebias run 03_cue_conflict -p networks AlexNet,AlexNet-R --html
    shapebias run 3 -p dataset imagenet -p stimuli ~/texture-vs-shape/stimuli
    shapebias run all --html
    """
    from . import running

    given = dict(_split(text) for text in parameters)
    if update and given:
        raise ValueError(
            "--update shows what a notebook's defaults give: leave out -p, or --update"
        )
    notebooks = running.find_notebooks(name)
    if len(notebooks) > 1:
        known = {p for notebook in notebooks for p in running.parameters_of(notebook)}
        for parameter in given:
            if parameter not in known:
                listed = ", ".join(sorted(known))
                raise ValueError(f"no notebook has a parameter {parameter!r}; there are {listed}")
    jobs = [(n, running.values_for(n, given, len(notebooks) > 1)) for n in notebooks]
    rows, failed, total = [], [], 0.0
    for notebook, values in jobs:
        try:
            copy, seconds = running.run(notebook, values, out)
        except running.NotebookError as error:
            if len(jobs) == 1:
                raise
            print(f"shapebias: {_line(error)}", file=sys.stderr, flush=True)
            failed.append(notebook.stem)
            rows.append((notebook.stem, "failed", ""))
            continue
        if html:
            running.to_html(copy)
        if update:
            running.update(notebook, copy)
        total += seconds
        shown = _shown(copy.with_suffix(".html") if html else copy)
        rows.append((notebook.stem, f"{seconds:.1f} s", shown))
    if len(jobs) > 1:
        rows.append(("all", f"{total:.1f} s", ""))
    _table(rows)
    if failed:
        raise running.NotebookError(f"{len(failed)} of {len(jobs)} failed: {', '.join(failed)}")


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"parameter {name!r} has no value; write -p {name} VALUE")
    return name, value


@app.command()
def train(
    architecture: Annotated[
        str, typer.Option(help="AlexNet (the default), GoogLeNet or ResNet.")
    ] = "",
    training: Annotated[str, typer.Option(help="standard, robust or control.")] = "robust",
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and crops.")] = 0,
    dataset: Annotated[str, typer.Option(help="pictograms or imagenet.")] = "pictograms",
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
    from .datasets import get_dataset
    from .training import RECIPES

    get_dataset(dataset)
    recipes = RECIPES[dataset]
    if all_ and architecture:
        architecture = _choose("architecture", architecture, recipes)
        wanted = [(architecture, t) for t in recipes[architecture]]
    elif all_:
        wanted = [(a, t) for a, trainings in recipes.items() for t in trainings]
    else:
        architecture = _choose("architecture", architecture or "AlexNet", recipes)
        wanted = [(architecture, _choose("training", training, recipes[architecture]))]
    for network in [_network(dataset, *pair, seed) for pair in wanted]:
        _train(network, force)


def _choose(kind: str, name: str, known: Sequence[str]) -> str:
    for candidate in known:
        if candidate.lower() == name.lower():
            return candidate
    raise ValueError(f"unknown {kind} {name!r}; choose one of {', '.join(known)}")


def _network(dataset: str, architecture: str, training: str, seed: int) -> "Network":
    from dataclasses import replace

    from .networks import get_network, network_names

    for name in network_names(dataset):
        network = get_network(name, dataset)
        if (network.architecture, network.training) == (architecture, training):
            published = network.path() is None or network.path().suffix != ".safetensors"
            # What is trained in place of published weights may have any seed.
            return replace(network, seed=seed) if published else get_network(name, dataset, seed)
    raise ValueError(f"{dataset} has no {training} {architecture}; `shapebias networks` lists them")


def _train(network: "Network", force: bool) -> None:
    import time

    from . import distributed
    from .datasets import get_dataset
    from .networks.checkpoints import file_hash
    from .studies import train_network
    from .training import RECIPES
    from .training import train as train_by

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
        recipe = RECIPES[network.dataset][network.architecture][network.training]
        images = get_dataset(network.dataset).images("train")
        label = f"{network.name}, seed {network.seed}"
        train_by(network.build, images, recipe, out, network.seed, None, label)
    distributed.barrier()  # ... or writes
    if first:
        minutes = f"{(time.monotonic() - began) / 60:.1f} minutes"
        how = "trained already, --force trains it anew" if done else minutes
        print(f"{network.name}: {_shown(out)}, SHA-256 {file_hash(out)}, {how}")


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

    from .networks.checkpoints import file_hash
    from .training import RECIPES

    out = network.path()
    if not (out.exists() and out.with_suffix(".json").exists()):
        return False
    card = json.loads(out.with_suffix(".json").read_text())
    recipe = RECIPES[network.dataset][network.architecture][network.training]
    start = None
    if recipe.start:
        before = _network(network.dataset, network.architecture, recipe.start, network.seed).path()
        start = file_hash(before) if before.exists() else card["start"]
    facts = {"recipe": json.loads(json.dumps(asdict(recipe))), "seed": network.seed, "start": start}
    return all(card.get(k) == v for k, v in facts.items())


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="seeds or sensitivity.")],
) -> None:
    """Run a study that trains many networks, and keep its table with the repository.

    `seeds`: shape bias and accuracy of all pictogram networks from three seeds (about an hour on
    two cores). `sensitivity`: shape bias of AlexNet against the contrast of the textures and the
    eps of training. Both train what is not there yet, and go on where they were stopped.

    \b
    shapebias study seeds
    """
    from . import studies

    known = {"seeds": studies.seeds, "sensitivity": studies.sensitivity}
    table = known[_choose("study", name, list(known))]()
    print(table.to_string(index=False))


@app.command()
def export_broden(
    out: Annotated[Path | None, typer.Option(help="Folder, else build/broden_SPLIT.")] = None,
    split: Annotated[str, typer.Option(help="validation, cue_conflict or train.")] = "validation",
    n: Annotated[int | None, typer.Option("-n", min=1, help="The first N images only.")] = None,
) -> None:
    """Write Pictogram-16 with its concepts as a folder in Broden's form, for network dissection.

    Images and label planes as PNG, and the tables of Broden, so that other implementations read it
    too. Ours reads it back as `-p concepts FOLDER`, the same bit for bit.

    \b
    shapebias export-broden
    shapebias export-broden --split cue_conflict -n 100 --out conflicts
    """
    from .datasets.broden_export import export_broden as write
    from .datasets.labelled_pictograms import labelled
    from .paths import BUILD

    concepts = labelled(split)
    if n is not None:
        concepts = concepts.subset(range(min(n, len(concepts))), split)
    print(_shown(write(concepts, out or BUILD / f"broden_{split}")))


@app.command()
def doctor(
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if the default run lacks something.")
    ] = False,
) -> None:
    """Show what is there and what is missing, and for that the command or link that brings it."""
    from .doctor import examine

    findings = examine()
    _table([(f.state, f.topic, f.name, f.detail) for f in findings])
    lacking = [f for f in findings if f.state != "ok"]
    if lacking:
        print("\nWhat is not there comes by")
        _table([(f"  {f.name}", f.remedy) for f in lacking if f.remedy])
    needed = [f.name for f in lacking if f.needed]
    print(
        "\nThe default run lacks " + ", ".join(needed)
        if needed
        else "\nThe default run has all it needs."
    )
    if strict and needed:
        raise typer.Exit(1)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="As in the list that `shapebias fetch list` prints.")],
) -> None:
    """Download a checkpoint; an interrupted download goes on, and the file's hash is checked.

    \b
    shapebias fetch list
    shapebias fetch alexnet
    """
    from .doctor import DOWNLOADS
    from .doctor import fetch as download

    if name == "list":
        return _table([(d.name, f"{d.megabytes} MB", d.note) for d in DOWNLOADS.values()])
    if name not in DOWNLOADS:
        raise ValueError(
            f"unknown download {name!r}; there are {', '.join(DOWNLOADS)} "
            "(`shapebias doctor` has links to the rest)"
        )
    print(_shown(download(DOWNLOADS[name])))


@app.command()
def networks(
    dataset: Annotated[str, typer.Option(help="Only this one's; else those of all.")] = "",
) -> None:
    """List the networks: architecture, training, and whether the checkpoint is there."""
    from .datasets import DATASETS
    from .doctor import checkpoint_state
    from .networks import get_network, network_names

    rows = [("dataset", "network", "architecture", "training", "checkpoint")]
    for where in [dataset] if dataset else DATASETS:
        for name in network_names(where):
            network = get_network(name, where)
            state, why = checkpoint_state(network)
            rows.append((where, name, network.architecture, network.training, f"{state}: {why}"))
    _table(rows)


@app.command()
def datasets() -> None:
    """List the datasets."""
    from .datasets import DATASETS, get_dataset

    rows = [("dataset", "title", "images", "classes", "attack")]
    for record in map(get_dataset, DATASETS):
        attack = (
            f"L{record.attack.constraint} eps {record.attack.eps:g}, {record.attack.steps} steps"
        )
        size = f"{record.size} x {record.size}"
        rows.append((record.name, record.title, size, str(record.n_classes), attack))
    _table(rows)


@app.command()
def distort(
    photos: Annotated[list[Path], typer.Argument(help="Image files.")],
    out: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("distorted.png"),
    only: Annotated[str, typer.Option(help="Some distortions, with commas, at all levels.")] = "",
    columns: Annotated[int, typer.Option(min=1, help="Images in a row.")] = 10,
) -> None:
    """Draw photos of yours in all distortions, each at its middle level.

    Those that lack weights or programs are left out, with a word on how to get them.

    \b
    shapebias distort cat.jpg dog.jpg --out sheet.png
    shapebias distort cat.jpg --only scramble,saturation
    """
    import numpy as np
    import pandas as pd

    from .datasets import get_dataset
    from .datasets.images_on_disk import photographs
    from .distortions import distortion_names, get_distortion
    from .figures import image_grid, png
    from .measures.distortions import pictures
    from .results import atomic

    titles = {("real", 1): ""}
    for name in [n.strip() for n in only.split(",") if n.strip()] or distortion_names():
        distortion = get_distortion(name)
        try:
            distortion.needs()
        except FileNotFoundError as error:
            print(f"left out: {name}: {_line(error)}", file=sys.stderr)
            continue
        levels = distortion.levels if only else distortion.levels[len(distortion.levels) // 2 :][:1]
        one = len(distortion.levels) == 1
        titles |= {(name, v): distortion.title + ("" if one else f" {v:g}") for v in levels}
    images, dataset = photographs(photos), get_dataset("imagenet")
    names = images.table["imagename"]
    table = pd.DataFrame(
        [(name, *shown) for name in names for shown in titles],
        columns=["imagename", "distortion", "level"],
    )
    found = pictures(dataset, images, table).reshape(len(names), len(titles), -1)
    empty = -len(titles) % columns  # so that each photo begins a row
    found = np.pad(found, ((0, 0), (0, empty), (0, 0)), constant_values=1)
    over = [t or name[:20] for name in names for t in [*titles.values(), *[" "] * empty]]
    figure = image_grid(found.reshape(-1, 3, dataset.size, dataset.size), over, columns, size=1.5)
    with atomic(out) as path:
        path.write_bytes(png(figure))
    print(_shown(out))


@app.command()
def clean(
    what: Annotated[str, typer.Argument(help="results, figures, images or build.")],
) -> None:
    """Remove caches, which come back when they are needed; committed files and checkpoints stay.

    \b
    results   tables computed for one network and one set of images
    figures   figures that are not committed
    images    rendered pictograms; photographs stylized or reduced to silhouettes
    build     executed notebooks and their HTML
    """
    from .doctor import clean as remove

    removed, kept = remove(what)
    print(
        f"{removed} file{'s' * (removed != 1)} removed"
        + (f", {kept} committed kept" if kept else "")
    )


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip())


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _line(error: BaseException) -> str:
    """The error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _joined(args: Sequence[str]) -> list[str]:
    """``-p NAME VALUE`` as the one argument ``NAME=VALUE``, which typer can repeat."""
    left, joined = list(args), []
    while left:
        joined.append(left.pop(0))
        if joined[-1] == "-p" and left:
            name = left.pop(0)
            joined.append(f"{name}={left.pop(0)}" if "=" not in name and left else name)
    return joined


def main(args: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0, 1 after an error (one line says which), 2 after wrong usage."""
    args = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in args
    try:
        code = app(_joined(a for a in args if a != "--debug"), "shapebias", standalone_mode=False)
        sys.stdout.flush()  # here, where a reader that has left is dealt with
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (ValueError, OSError, ArithmeticError, RuntimeError) as error:
        if debug:
            raise
        if isinstance(error, BrokenPipeError):  # the reader of a pipe has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        print(f"shapebias: {_line(error)}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if debug or not hasattr(error, "format_message"):
            raise
        print(f"shapebias: {error.format_message()} See `shapebias --help`.", file=sys.stderr)
        sys.exit(2)
    if code == INTERRUPTED:  # typer answers Ctrl-C with this code, and in silence
        print("shapebias: interrupted", file=sys.stderr)
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
