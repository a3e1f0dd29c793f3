"""``shapebias distort`` and ``export-broden``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from .printing import line, shown


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

    from ..datasets import get_dataset
    from ..datasets.image_files import photographs
    from ..distortions import distortion_names, get_distortion
    from ..figures import image_grid, png
    from ..files import atomic
    from ..measures.distorted import pictures

    images, dataset = photographs(photos), get_dataset("imagenet")
    titles = {("real", 1): ""}
    for name in [n.strip() for n in only.split(",") if n.strip()] or distortion_names():
        distortion = get_distortion(name)
        try:
            distortion.needs()
        except FileNotFoundError as error:
            print(f"left out: {name}: {line(error)}", file=sys.stderr)
            continue
        levels = distortion.levels if only else distortion.levels[len(distortion.levels) // 2 :][:1]
        one = len(distortion.levels) == 1
        titles |= {(name, v): distortion.title + ("" if one else f" {v:g}") for v in levels}
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
    print(shown(out))


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
    from ..datasets.broden_export import export_broden as write
    from ..datasets.pictograms.concepts import labelled
    from ..paths import BUILD

    concepts = labelled(split)
    if n is not None:
        concepts = concepts.subset(range(min(n, len(concepts))), split)
    print(shown(write(concepts, out or BUILD / f"broden_{split}")))
