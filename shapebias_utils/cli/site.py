"""``shapebias site`` and ``look``."""

from pathlib import Path
from typing import Annotated

import typer

from .printing import shown


def site(
    out: Annotated[Path | None, typer.Option(help="Folder, else build/site; replaced.")] = None,
    dataset: Annotated[str, typer.Option(help="Whose notebooks are shown.")] = "pictograms",
) -> None:
    """Build the HTML companion from what the notebooks left behind; nothing is run.

    Pages open from the folder, without a server and with the network off. Shown are the copies
    under build/<dataset>/ that `shapebias run` has executed, else the notebooks as they are kept.

    \b
    shapebias site
    shapebias run all && shapebias site
    """
    from ..datasets import get_dataset
    from ..site import build

    print(shown(build(out, get_dataset(dataset).name)))


def look(
    figure: Annotated[str, typer.Argument(help='Of figures/: "03_heatmap", or a part: "heat".')],
    dataset: Annotated[str, typer.Option(help="Whose figure.")] = "pictograms",
    show: Annotated[bool, typer.Option("--open/--path", help="Open it, or name it only.")] = True,
) -> None:
    """Open a figure that a notebook made, and name the notebook and the file of its values.

    \b
    shapebias look 03_heatmap
    shapebias look 05_fig4_matched_filters --path
    """
    from ..notebooks import saved_by
    from ..paths import FIGURES

    known = sorted((FIGURES / dataset).glob("*.png"))
    found = [p for p in known if p.stem == figure] or [p for p in known if figure in p.stem]
    if len(found) != 1:
        names = ", ".join(p.stem for p in found or known) or "none yet: run a notebook"
        what = f"several figures of {dataset} are" if found else f"no figure of {dataset} is"
        raise ValueError(f"{what} called {figure!r}; there are {names}")
    (path,) = found
    print(f"{shown(path)}, values in {path.with_suffix('.csv').name}, ", end="")
    notebook = saved_by(path.stem)
    print(f"by notebook {notebook.stem if notebook else 'of your own'}")
    if show:
        typer.launch(str(path))
