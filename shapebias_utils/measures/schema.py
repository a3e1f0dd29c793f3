"""Observers and trials: whose decisions, one row an image, in the columns of model-vs-human."""

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ..categories import CATEGORIES
from ..datasets import ImageSet
from ..files import TABLE, atomic, check_bytes
from ..files import line as said
from ..networks import Network
from ..results import cached

OBSERVER = ["network", "architecture", "training", "seed"]
"""Columns that say whose row it is."""

SCHEMA = (
    "subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename",
)  # fmt: skip
"""Columns of a file of trials, as model-vs-human writes them."""

_CUES = re.compile(r"([a-z]+)\d+-([a-z]+)\d+(?:-\d+)?\.\w+$")


def attributed(table: pd.DataFrame, network: Network) -> pd.DataFrame:
    """The table behind the observer's columns: the network's name, architecture, training, seed."""
    facts = (network.name, network.architecture, network.training, network.seed)
    return pd.concat(
        [pd.DataFrame(dict(zip(OBSERVER, facts, strict=True)), index=table.index), table], axis=1
    )


def collected(
    measure: Callable[..., pd.DataFrame],
    networks: Iterable[Network],
    images: object,
    **parameters: object,
) -> pd.DataFrame:
    """The cached tables ``measure(network, images, **parameters)`` of all networks as one.

    Behind the observer's columns, network by network. ValueError if no networks are given.
    """
    if isinstance(images, ImageSet):
        images = images.held()
    tables = [attributed(cached(measure, n, images, **parameters), n) for n in networks]
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True)


def read_trials(path: str | Path) -> pd.DataFrame:
    """The trials in a CSV file, or in all CSV files of a folder, of model-vs-human or of ours.

    Columns of `SCHEMA`, lower case, and what else the files have, with `network` = `subj` and,
    where a file does not say, `architecture` and `training` "human" for the human observers
    (whose `subj` is "subject-XX") and "other" for the rest, `seed` 0. Whoever has the same name
    and session in several files is another observer in each, with the file's name in `network`:
    "subject-01 (mine)" in ``mine.csv``. Other sessions of one name are one observer's.
    FileNotFoundError if there is none; ValueError naming the file and what is wrong with it:
    columns that are missing or there twice, no trials, gaps, an image twice in a session of an
    observer; or both files if one is a copy of the other.
    """
    path = Path(path)
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files or not all(f.is_file() for f in files):  # a pipe would be read for ever
        raise FileNotFoundError(f"no trials at {path}: name a CSV file, or a folder of them")
    tables, read = [], {}
    for file in files:
        check_bytes(file, TABLE, "a table")
        contents = hashlib.sha256(file.read_bytes()).hexdigest()
        if contents in read:
            raise ValueError(f"{file} is a copy of {read[contents]}: remove one of the two")
        read[contents] = file
        table = _trials_in(file)
        tables.append(table[[*SCHEMA, *(c for c in table if c not in SCHEMA)]])
    return _apart(pd.concat(tables, keys=[f.stem for f in files]))


def _trials_in(file: Path) -> pd.DataFrame:
    """The trials of one file with the observer's columns; ValueError says what is wrong with it."""
    try:
        table = pd.read_csv(file, keep_default_na=False)  # "na" is a response, not a gap
    except (ValueError, OSError) as error:  # of pandas' parser, and of the text's encoding
        raise ValueError(f"{file} is not a CSV file of trials: {said(error)}") from None
    table.columns = table.columns.astype(str).str.lower()
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise ValueError(f"{file} has the column {twice[0]} twice: remove one of the two")
    missing = [c for c in SCHEMA if c not in table]
    if missing:
        raise ValueError(
            f"{file} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; trials "
            f"have {', '.join(SCHEMA)}"
        )
    if table.empty:
        raise ValueError(f"{file} has a header and no trials: remove it, or name another file")
    for column in ("subj", "object_response", "imagename"):
        text = table[column].astype(str)
        wrong = text.isin(["", "nan", "NaN"]) | text.str.contains("\0", regex=False)
        if wrong.any():
            line = int(wrong.to_numpy().argmax()) + 2
            raise ValueError(f"{file}, line {line}: {column} is missing or damaged: correct it")
    table["rt"] = pd.to_numeric(table["rt"], errors="coerce")
    human = table["subj"].astype(str).str.startswith("subject-")
    kind = np.where(human, "human", "other")
    about = {"network": table["subj"], "architecture": kind, "training": kind, "seed": 0}
    table = table.assign(**{k: v for k, v in about.items() if k not in table})
    trial = [*OBSERVER, "session", "condition", "imagename", *({"eps"} & set(table))]
    if (again := table.duplicated(trial)).any():
        row = table[again].iloc[0]
        raise ValueError(
            f"{file} has {row['imagename']} twice for {row['network']}, session {row['session']}: "
            "give each session its number"
        )
    return table


def _apart(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials, outer index their file, with those of one observer and session in several files
    named by their files."""
    file = trials.index.get_level_values(0)
    files = pd.Series(file, trials.index).groupby([trials[c] for c in [*OBSERVER, "session"]])
    names = trials["network"].astype(str)
    several = names.isin(names[files.transform("nunique") > 1])
    names = names.where(~several, names + " (" + file + ")")
    return trials.assign(network=names).reset_index(drop=True)


def write_trials(trials: pd.DataFrame, folder: str | Path) -> list[Path]:
    """The files, one an observer, of its trials as model-vs-human has them, all of its columns.

    Columns of `SCHEMA`, behind them what else the trials have. Each is named as model-vs-human's,
    ``cue-conflict_<subj>_session_<session>.csv``, with hyphens for what a file's name may not have;
    ValueError where two observers would have one file.
    """
    extra = [c for c in trials if c not in (*SCHEMA, "network")]
    written: dict[Path, object] = {}
    for (subj, session), own in trials.groupby(["subj", "session"], sort=False):
        name = re.sub(r"[^\w.+-]|_", "-", str(subj))
        path = Path(folder) / f"cue-conflict_{name}_session_{session}.csv"
        if path in written:
            raise ValueError(f"{path} would be that of {written[path]} and of {subj}: rename one")
        with atomic(path) as temporary:
            own[[*SCHEMA, *extra]].to_csv(temporary, index=False, na_rep="NaN")
        written[path] = subj
    return list(written)


def with_observers(trials: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """The trials and, behind them, those that :func:`read_trials` finds at `path` ("": none).

    ValueError if an observer of that name is among them already.
    """
    if not path:
        return trials
    observers = read_trials(path)
    twice = set(trials["network"]) & set(observers["network"])
    if twice:
        raise ValueError(
            f"{path} has trials of {min(twice)}, as there are already: rename its subj"
        )
    return pd.concat([trials, observers], ignore_index=True)


def with_cues(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with `shape` and `texture`, the categories of the two cues, and `decided`:

    "shape", "texture" or "other". Read from the image names (``...cat4-dog2.png``: shape cat,
    texture dog). Trials without conflict (shape = texture; 80 of the 1,280 stimuli) are dropped.
    ValueError names the first image whose name does not parse.
    """
    cues = trials["imagename"].astype(str).str.extract(_CUES)
    wrong = ~cues.isin(CATEGORIES).all(axis=1)
    if wrong.any():
        raise ValueError(
            f"{trials['imagename'][wrong].iloc[0]!r} does not name two cues; expected is a name "
            "like cat4-dog2.png (shape cat, texture dog)"
        )
    table = trials.assign(shape=cues[0], texture=cues[1])
    table = table[table["shape"] != table["texture"]]
    decided = np.select(
        [table["object_response"] == table["shape"], table["object_response"] == table["texture"]],
        ["shape", "texture"],
        "other",
    )
    return table.assign(decided=decided)
