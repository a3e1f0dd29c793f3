"""``shapebias claims``."""

from typing import Annotated

import typer


def claims(
    dataset: Annotated[str, typer.Option(help="One dataset; all of them if left out.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Each verdict as an object.")] = False,
) -> None:
    """Say what became of each of the papers' claims, from the tables that notebooks saved.

    No network is run: what is "not tested" needs its notebook first. Each claim is judged by one
    rule, against the standard network and against the control: reproduced, reversed, undecided, at
    chance.

    \b
    shapebias claims
    shapebias claims --dataset pictograms --json
    """
    from ..claims import counted, ledger
    from ..datasets import dataset_names, get_dataset

    names = [get_dataset(dataset).name] if dataset else dataset_names()
    found = ledger(names)
    if json:
        print(found.to_json(orient="records", indent=1))
        return
    for row in counted(found).itertuples():
        against = {"standard": "S", "control": "the control"}.get(row.against, row.against)
        print(f"{row.notebook}  {row.dataset}: {row.statement}, against {against}: {row.outcomes}")
