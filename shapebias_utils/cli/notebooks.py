"""``shapebias run``."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from .printing import line, shown, table


def run(
    name: Annotated[str, typer.Argument(help='Number ("3"), name ("03_cue_conflict") or "all".')],
    parameters: Annotated[
        list[str],
        typer.Option("-p", metavar="NAME VALUE", help="A parameter of the notebook; repeatable."),
    ] = [],  # noqa: B006
    out: Annotated[
        Path | None, typer.Option(help="Folder of the executed copy, else build/<dataset>.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Put the new outputs into the notebook, renew all figures."),
    ] = False,
    page: Annotated[
        bool,
        typer.Option("--page", help="Keep what it showed as one HTML file, beside its figures."),
    ] = False,
) -> None:
    """Run a notebook, or all of them, without Jupyter.

    The notebook stays as it is: an executed copy is written. Parameters are checked before
    anything runs: those that a notebook has stand in its cell tagged "parameters", and an unknown
    one lists them. With "all", each notebook gets those of the parameters that it has.

    \b
    shapebias run 3
    shapebias run 03_cue_conflict -p networks AlexNet,AlexNet-R
    shapebias run 3 -p dataset imagenet -p stimuli ~/texture-vs-shape/stimuli
    shapebias run all
    """
    from .. import notebooks as runner
    from ..files import writable
    from ..paths import FIGURES

    given = dict(_split(text) for text in parameters)
    if update and given:
        raise ValueError(
            "--update shows what a notebook's defaults give: leave out -p, or --update"
        )
    if update:
        os.environ["SHAPEBIAS_RENEW"] = "1"  # for figures.save, in the notebooks' kernels
    notebooks = runner.find_notebooks(name)
    if len(notebooks) > 1:
        known = {p for notebook in notebooks for p in runner.parameters_of(notebook)}
        for parameter in given:
            if parameter not in known:
                listed = ", ".join(sorted(known))
                raise ValueError(f"no notebook has a parameter {parameter!r}; there are {listed}")
    jobs = [(n, runner.values_for(n, given, len(notebooks) > 1)) for n in notebooks]
    rows, failed, total = [], [], 0.0
    for notebook, values in jobs:
        try:
            copy, seconds = runner.run(notebook, values, out)
        except runner.NotebookError as error:
            if len(jobs) == 1:
                raise
            print(f"shapebias: {line(error)}", file=sys.stderr, flush=True)
            failed.append(notebook.stem)
            rows.append((notebook.stem, "failed", ""))
            continue
        if update:
            runner.update(notebook, copy)
            runner.note_time(notebook, values, seconds)
        if page:
            from ..site.standalone import keep

            folder = FIGURES / runner.dataset_of(notebook, values)
            keep(copy, writable(folder) / f"{notebook.stem}.html")
        total += seconds
        rows.append((notebook.stem, f"{seconds:.1f} s", shown(copy)))
    if len(jobs) > 1:
        rows.append(("all", f"{total:.1f} s", ""))
    table(rows)
    if failed:
        raise runner.NotebookError(f"{len(failed)} of {len(jobs)} failed: {', '.join(failed)}")


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"parameter {name!r} has no value; write -p {name} VALUE")
    return name, value
