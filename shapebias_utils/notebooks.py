"""Running notebooks: papermill, with the checks that it leaves out.

papermill only warns of unknown parameters, and runs a notebook in whatever folder it is called
from. Here parameters are checked before a kernel starts, and every notebook runs in ``notebooks/``.
"""

import ast
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .files import atomic, locked, writable
from .paths import BUILD, NOTEBOOKS

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
"""The metadata of a committed notebook, the same on every machine."""

TYPES = {"int": int, "float": (int, float), "bool": bool}
"""Annotations in a parameters cell that a value is checked against."""


class NotebookError(RuntimeError):
    """A cell of a notebook failed, or its kernel did."""


class KernelStartError(NotebookError):
    """The kernel died, or stayed silent, before it ran anything."""


@dataclass(frozen=True)
class Parameter:
    """A line of a notebook's parameters cell: its annotation, default value and comment."""

    name: str
    kind: str
    default: object
    help: str


def find_notebooks(name: str) -> list[Path]:
    """The notebooks of that number ("3", "03") or name ("03_cue_conflict"); "all" in their order.

    ValueError lists the known ones.
    """
    known = sorted(NOTEBOOKS.glob("[0-9]*_*.ipynb"))
    if name == "all" and known:
        return known
    wanted = Path(name).stem if name.endswith(".ipynb") else name
    for path in known:
        number = path.stem.split("_")[0]
        if wanted == path.stem or (wanted.isdecimal() and int(wanted) == int(number)):
            return [path]
    names = ", ".join(p.stem for p in known) or f"none in {NOTEBOOKS}"
    raise ValueError(f"unknown notebook {name!r}; there are {names}")


def saved_by(stem: str) -> Path | None:
    """The notebook that saves the figure or table of that stem, None if there is none.

    That whose text names it; of stems that are put together only in the run, that of their number.
    """
    known = sorted(NOTEBOOKS.glob("[0-9]*_*.ipynb"))
    named = [path for path in known if f'"{stem}"' in _code(path)]
    return next(iter(named + [path for path in known if path.name[:2] == stem[:2]]), None)


@cache
def _code(notebook: Path) -> str:
    cells = json.loads(notebook.read_text())["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """What may be given to a notebook: the variables of its cell tagged "parameters", by name."""
    from papermill import inspect_notebook

    return {
        name: Parameter(
            name, found["inferred_type_name"], _literal(found["default"]), found["help"]
        )
        for name, found in inspect_notebook(notebook).items()
    }


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def values_for(
    notebook: Path, given: Mapping[str, str], skip_unknown: bool = False
) -> dict[str, object]:
    """The given parameters as values, checked: what papermill is to inject into the notebook.

    A parameter annotated `str` is taken literally, another is read as a number or else as YAML.
    Files and folders that exist relative to the caller become absolute, since the notebook runs
    elsewhere. ValueError names a parameter that the notebook has not (left out if
    `skip_unknown`) or that has another type, an unknown dataset, network or decision, a seed whose
    weights are not there, and what is wrong with the file of own networks, the stimuli, the trials
    of observers or the images with concepts.
    """
    known = parameters_of(notebook)
    values = {}
    for name, text in given.items():
        if name in known:
            values[name] = _value(notebook, known[name], text)
        elif not skip_unknown:
            listed = "; ".join(f"{p.name} ({p.help})" if p.help else p.name for p in known.values())
            raise ValueError(
                f"{notebook.stem} has no parameter {name!r}; it has {listed or 'none at all'}"
            )
    _check_names({n: p.default for n, p in known.items()} | values)
    _check_files(values)
    return values


def _value(notebook: Path, parameter: Parameter, text: str) -> object:
    value = text if parameter.kind == "str" else _parse(text)
    kind = TYPES.get(parameter.kind)
    if kind and (not isinstance(value, kind) or (kind is not bool and isinstance(value, bool))):
        raise ValueError(
            f"parameter {parameter.name} of {notebook.stem} is {parameter.kind}, not {text!r} "
            f"(default {parameter.default!r})"
        )
    # A folder that happens to be called "imagenet" or "mean" is not what is meant by these.
    is_name = parameter.name in ("dataset", "networks") or (parameter.default and "/" not in text)
    return value if is_name else _absolute(value)


def _parse(text: str) -> object:
    import yaml
    from papermill.iorw import NoDatesSafeLoader

    for number in (int, float):  # first, since YAML takes 1e-3 for a word
        try:
            return number(text)
        except ValueError:
            pass
    try:
        return yaml.load(text, Loader=NoDatesSafeLoader)
    except yaml.YAMLError:
        return text


def _absolute(value: object) -> object:
    if isinstance(value, list):
        return [_absolute(v) for v in value]
    if not isinstance(value, str) or not value:
        return value
    path = Path(value).expanduser()
    try:
        return str(path.absolute()) if path.exists() else value  # a link keeps its name
    except OSError:  # a text too long to be a path
        return value


def _check_names(values: Mapping[str, object]) -> None:
    if "dataset" not in values:
        return
    own = values.get("own_networks")
    if own and not Path(str(own)).is_file():
        raise ValueError(
            f"own_networks: no file at {own}; give the path of a Python file that calls "
            "register(Network(...))"
        )
    if own:  # only the notebook runs that file, which may register a dataset too
        return
    from .datasets import get_dataset
    from .measures.predictions import DECISIONS
    from .networks import get_networks, standard_and_robust
    from .networks.presets import TRANSFORMS

    get_dataset(values["dataset"])
    if values.get("decision", DECISIONS[0]) not in DECISIONS:
        raise ValueError(f"unknown decision {values['decision']!r}; choose {', '.join(DECISIONS)}")
    transform = values.get("stimuli_transform", TRANSFORMS[0])
    if transform not in TRANSFORMS:
        raise ValueError(f"unknown stimuli_transform {transform!r}; choose {', '.join(TRANSFORMS)}")
    if "networks" in values:
        seed = values.get("seed", 0)
        where, names = values["dataset"], values["networks"]
        chosen = get_networks(where, names, seed) if names else standard_and_robust(where, seed)
        for network in chosen:
            if seed and not network.path().exists():
                raise ValueError(
                    f"there are no weights of {network.name} from seed {seed}: train them with "
                    f"`shapebias train --all --seed {seed}`, or give another seed"
                )


def _check_files(values: Mapping[str, object]) -> None:
    """Read what is given once: a notebook would stumble over it after minutes, or hours."""
    from .datasets.broden import check_broden
    from .datasets.cue_conflict import read_stimuli
    from .measures.schema import read_trials, with_cues

    if values.get("stimuli"):
        read_stimuli(values["stimuli"])
    if values.get("observers"):
        trials = read_trials(values["observers"])
        try:
            with_cues(trials)
        except ValueError as error:
            raise ValueError(f"{values['observers']}: {error}") from None
    if values.get("concepts"):
        check_broden(values["concepts"])


def run(
    notebook: Path, values: Mapping[str, object], out: Path | None = None
) -> tuple[Path, float]:
    """Execute a notebook; (path of the executed copy, seconds).

    The copy goes to ``build/<dataset>/`` unless `out` names another folder; it appears when the run
    has ended. NotebookError says which cell failed and why, and where the copy is that shows it.
    """
    copy = (out or BUILD / dataset_of(notebook, values)).resolve() / notebook.name
    if copy == notebook.resolve():
        raise ValueError(
            f"{copy.parent} holds the notebook itself; choose another folder for --out"
        )
    writable(copy.parent)
    began = time.monotonic()
    failed = None
    with locked(copy), atomic(copy) as unfinished:
        try:
            try:
                _execute(notebook, unfinished, values)
            except KernelStartError:  # a port was taken between its choice and its use
                _execute(notebook, unfinished, values)
        except NotebookError as error:
            if isinstance(error, KernelStartError) or not unfinished.exists():
                raise
            failed = error  # the copy shows where
    if failed:
        raise type(failed)(f"{failed} (executed copy: {copy})") from failed.__cause__
    return copy, time.monotonic() - began


def dataset_of(notebook: Path, values: Mapping[str, object]) -> str:
    """The dataset that the notebook runs on with these parameters; "" for one that has none."""
    known = parameters_of(notebook)
    return str(values.get("dataset") or (known["dataset"].default if "dataset" in known else ""))


def _execute(notebook: Path, copy: Path, values: Mapping[str, object]) -> None:
    from nbclient.exceptions import DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook
    from zmq.error import ZMQError

    log = logging.getLogger("papermill")
    if not log.handlers:  # else what it logs goes to the terminal, beside the error that it raises
        log.addHandler(logging.NullHandler())
    bar = {"desc": notebook.stem, "disable": None, "leave": False}  # no bar where it is no terminal
    try:
        execute_notebook(
            str(notebook),
            str(copy),
            parameters=dict(values),
            kernel_name="python3",
            language="python",
            cwd=str(NOTEBOOKS),
            progress_bar=bar,
            extra_arguments=["--log-level=CRITICAL"],  # else kernels talk to the terminal
        )
    except PapermillExecutionError as error:
        lines = [line for line in str(error.evalue).splitlines() if line.strip()] or [""]
        raise NotebookError(
            f"{notebook.stem}, cell In [{error.exec_count}]: {error.ename}: {lines[-1].strip()}"
        ) from error
    except DeadKernelError as error:
        raise NotebookError(
            f"{notebook.stem}: the kernel died while a cell ran, often for want of memory"
        ) from error
    except (RuntimeError, ZMQError) as error:
        raise KernelStartError(f"{notebook.stem}: the kernel did not start: {error}") from error
    _drop_progress_bars(copy)


def _drop_progress_bars(copy: Path) -> None:
    """Take finished bars out of an executed notebook: a reader has no use for them."""
    import nbformat

    executed = nbformat.read(copy, as_version=4)
    for cell in executed.cells:
        if cell.cell_type == "code":
            shown = [(o, o.get("data", {}).get("text/plain", "")) for o in cell.outputs]
            # A long one is cut off: "AlexNet on many images:   0%|          | 0/…".
            cell.outputs = [o for o, text in shown if not re.search(r"\d%\|", text)]
    nbformat.write(executed, copy)


def update(notebook: Path, copy: Path) -> None:
    """Put the outputs of the executed copy into the notebook itself, its metadata clean.

    ValueError if the cells are no longer those that were run.
    """
    import nbformat

    ours, run_cells = (nbformat.read(path, as_version=4) for path in (notebook, copy))
    if [c.source for c in ours.cells] != [c.source for c in run_cells.cells]:
        raise ValueError(f"{notebook} was edited since {copy} was run; run it again to update it")
    for mine, executed in zip(ours.cells, run_cells.cells, strict=True):
        if mine.cell_type == "code":
            mine.outputs, mine.execution_count = executed.outputs, executed.execution_count
    with atomic(notebook) as path:
        nbformat.write(ours, path)
        clean_metadata(path)


def note_time(notebook: Path, values: Mapping[str, object], seconds: float) -> None:
    """Keep how long the notebook took, for the README: ``data/results/<dataset>/times.csv``."""
    import pandas as pd

    from .paths import RESULTS
    from .results import store, stored

    dataset = dataset_of(notebook, values)
    with locked(RESULTS / dataset / "times.csv"):
        rows = {r.notebook: r.seconds for r in stored(dataset, "times").itertuples()}
        rows[notebook.stem] = round(seconds)
        table = pd.DataFrame(sorted(rows.items()), columns=["notebook", "seconds"])
        store(table, dataset, "times", {"what": "seconds, two notebooks at a time"})


def clean_metadata(path: Path) -> bool:
    """Whether the notebook's metadata had to be cleaned, which it now is.

    Outputs, execution counts, cell ids and tags stay; times, widget states, what papermill notes
    and versions of Python go.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    before = nbformat.writes(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k == "tags"})
    if nbformat.writes(notebook) == before:
        return False
    nbformat.write(notebook, path)
    return True
