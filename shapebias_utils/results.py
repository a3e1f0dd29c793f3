"""Results on disk: computed once, written whole or not at all, and never mistaken for others.

:func:`cached` keeps a measure's table as CSV beside a JSON sidecar. The sidecar's `key` must
match what is asked for, or loading fails and names the field; its `provenance` is for the record.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .distributed import broadcast, rank
from .files import atomic, locked, provenance
from .paths import DATA, RESULTS

if TYPE_CHECKING:
    import pandas as pd

    from .datasets import ImageSet
    from .networks import Network


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) else value


def _file_part(value: object) -> str:
    text = "-".join(map(str, _plain(value).values())) if is_dataclass(value) else str(value)
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in text)


class StaleResultError(ValueError):
    """A stored result was computed from something other than what is asked for."""


def cached(
    measure: Callable[..., "pd.DataFrame"],
    network: "Network",
    images: "ImageSet",
    *,
    refresh: bool = False,
    wait: bool = True,
    **parameters: object,
) -> "pd.DataFrame":
    """The table ``measure(network, images, **parameters)``, from disk where it is there already.

    Kept under ``data/results/<dataset>/<measure>/``, written atomically and under a lock: of two
    processes that ask for it at once, one computes and one waits. The sidecar's key holds the
    measure, its module's ``VERSION``, the parameters, the network with its seed and checkpoint
    hash, and the image set with its digest; `StaleResultError` names the first field that differs.
    `refresh` computes anew in any case. TimeoutError without `wait` if another process computes it
    just now; torchrun's ranks must wait. If the measure fails, what was there stays.
    Under torchrun all ranks must ask: rank 0 reads and writes, all compute and get the same table.

    The table is what CSV keeps of it, whether computed or loaded: floats to the last bit, but
    float32 as float64, empty strings as NaN, and a column of digits as numbers.
    """
    name = measure.__name__
    key = {
        "measure": name,
        "version": _version(measure),
        "parameters": {k: _plain(v) for k, v in sorted(parameters.items())},
        "network": network.name,
        "seed": network.seed,
        "checkpoint": network.checkpoint_hash(),
        "images": images.name,
        "dataset": images.digest,
    }
    key = json.loads(json.dumps(key))
    stem = "_".join(
        [_file_part(f"{network.name}-seed{network.seed}"), _file_part(images.name)]
        + [f"{k}={_file_part(v)}" for k, v in sorted(parameters.items())]
    )
    path = RESULTS / network.dataset / name / f"{stem}.csv"
    with locked(path, together=True, wait=wait):
        table = broadcast(None if refresh or rank() else _read(path, key))
        if table is None:
            table = measure(network, images, **parameters)
            if rank() == 0:
                _write(table, path, key)
            table = broadcast(None if rank() else _read(path, key))
    return table


def _version(measure: Callable) -> object:
    module = sys.modules[measure.__module__]
    if not hasattr(module, "VERSION"):
        raise ValueError(
            f"{module.__name__} has no VERSION, which tells results of older code from newer: "
            f"write VERSION = 1 above {measure.__name__} and raise it with every change"
        )
    return module.VERSION


def _sidecar(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".json")


def _write(table: "pd.DataFrame", path: Path, key: dict) -> None:
    _sidecar(path).unlink(missing_ok=True)  # from here to the end there is no valid result
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False)
    with atomic(_sidecar(path)) as temporary:
        temporary.write_text(json.dumps({"key": key, "provenance": provenance()}, indent=1))


def _read(path: Path, key: dict) -> "pd.DataFrame | None":
    """The stored table, None if there is none; StaleResultError if its key is another."""
    import pandas as pd

    if not (path.exists() and _sidecar(path).exists()):
        return None
    remedy = "remove the file (`shapebias clean results`) to compute anew"
    try:
        stored = json.loads(_sidecar(path).read_text())["key"]
    except (ValueError, KeyError, TypeError):
        raise StaleResultError(f"{_sidecar(path)} is damaged; {remedy}") from None
    for field, wanted in key.items():
        if stored.get(field) != wanted:
            raise StaleResultError(
                f"{path} was computed with {field} {stored.get(field)!r}, asked for is "
                f"{wanted!r}; {remedy}"
            )
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def reported(name: str) -> "pd.DataFrame":
    """The paper's own numbers, in per cent as printed: a table of ``data/reported``.

    FileNotFoundError lists the tables there are.
    """
    import pandas as pd

    path = DATA / "reported" / f"{name}.csv"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.csv")))
        raise FileNotFoundError(f"no reported table {name!r}; there are {known}")
    return pd.read_csv(path)


def store(table: "pd.DataFrame", dataset: str, name: str, about: dict) -> Path:
    """The path of a result that is kept with the repository: CSV and a sidecar of what it is.

    For what takes too long to compute anew each time, such as networks of several seeds.
    """
    path = RESULTS / dataset / f"{name}.csv"
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with atomic(_sidecar(path)) as temporary:
        temporary.write_text(
            json.dumps({"about": about, "provenance": provenance()}, indent=1) + "\n"
        )
    return path


def stored(dataset: str, name: str, about: dict | None = None) -> "pd.DataFrame":
    """The table that :func:`store` kept; an empty one where this dataset has none of that name.

    With `about`, also empty unless the table was kept with the same.
    """
    import pandas as pd

    path = RESULTS / dataset / f"{name}.csv"
    if not path.exists():
        return pd.DataFrame()
    if about is not None:
        sidecar = _sidecar(path)
        known = json.loads(sidecar.read_text())["about"] if sidecar.exists() else None
        if known != json.loads(json.dumps(about)):
            return pd.DataFrame()
    return pd.read_csv(path)
