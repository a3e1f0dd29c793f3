"""Results on disk: computed once, written whole or not at all, and never mistaken for others.

:func:`cached` keeps a measure's table as CSV beside a JSON sidecar: the `key` that it was computed
under, its `rows` and `sha256`, by which damage shows, and its `provenance`, for the record.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, is_dataclass
from inspect import signature
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .distributed import broadcast, merge, rank, shard, world_size
from .files import atomic, locked, provenance
from .paths import DATA, RESULTS

if TYPE_CHECKING:
    import pandas as pd

    from .datasets import ImageSet
    from .networks import Network

PERFORMANCE = ("batch_size", "memory")
"""Parameters by these names say how fast a measure computes and in how much memory, never what:
they are not in the key of its result."""


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
    processes that ask for it at once, one computes and one waits. The file's name holds a hash of
    the result's key: the measure and its module, the ``VERSION`` of that and of the modules it is
    built on (:func:`versions`), all parameters but those of `PERFORMANCE`, also where they have
    their defaults, the network with its seed and checkpoint hash, and the image set with its
    digest. What was computed under another key stays beside it until `shapebias clean results`;
    a damaged table is computed anew.

    `refresh` computes anew in any case. TimeoutError without `wait` if another process computes it
    just now; torchrun's ranks must wait. If the measure fails, what was there stays.
    Under torchrun all ranks must ask: rank 0 reads and writes, all compute and get the same table.

    The table is what CSV keeps of it, whether computed or loaded: floats to the last bit, but
    float32 as float64, empty strings as NaN, and a column of digits as numbers. TypeError where
    the measure takes no such parameters.
    """
    path, key = entry(measure, network, images, **parameters)
    with locked(path, together=True, wait=wait):
        if refresh and not rank():
            shutil.rmtree(_parts(path), ignore_errors=True)
        table = broadcast(None if refresh or rank() else _read(path, key))
        if table is None:
            token = _computing.set(_Computing(path))
            try:
                table = measure(network, images, **parameters)
            finally:
                _computing.reset(token)
            table = broadcast(None if rank() else _write(table, path, key))
            if not rank():
                shutil.rmtree(_parts(path), ignore_errors=True)
    return table


@dataclass
class _Computing:
    """A result that is being computed, and how often that has called :func:`in_parts`."""

    path: Path
    calls: int = 0


_computing: ContextVar[_Computing | None] = ContextVar("computing", default=None)

PART = 2048
"""Images after which :func:`in_parts` keeps what it has."""


def _parts(path: Path) -> Path:
    """The folder of the parts of a result that is being computed."""
    return path.with_name(f"{path.name}.parts")


def in_parts(
    count: int, compute: "Callable[[list[int]], pd.DataFrame]", by: str, size: int = PART
) -> "pd.DataFrame":
    """``compute`` of all rows below `count`, a part at a time, as one table sorted by `by`.

    The parts are shared out over processes, and every one gets the same table. Within
    :func:`cached` each is kept until all are there: where a process dies, the next attempt, with
    any number of processes, takes what is finished and computes the rest. `compute` must give a row
    the same values in whatever part it is.
    """
    import pandas as pd

    size = max(1, min(size, -(-count // world_size())))
    starts = range(0, count, size)
    kept, result = None, _computing.get()
    if result:
        result.calls += 1
        if len(starts) > 1:  # else nothing would be left to take up
            kept = _parts(result.path) / str(result.calls)
    tables = []
    for start in shard(starts):
        rows = list(range(start, min(start + size, count)))
        path = kept and kept / f"{rows[0]}-{rows[-1]}.csv"
        if path and path.exists():
            content = path.read_bytes()
        else:
            table = compute(rows)
            if path is None:
                tables.append(table)
                continue
            content = table.to_csv(index=False).encode()
            with atomic(path) as temporary:
                temporary.write_bytes(content)
        tables.append(_parsed(content))  # a part that is taken up must be like one that was made
    return merge(pd.concat(tables, ignore_index=True) if tables else compute([]), by)


def entry(
    measure: Callable[..., "pd.DataFrame"],
    network: "Network",
    images: "ImageSet",
    **parameters: object,
) -> tuple[Path, dict]:
    """Where the result of :func:`cached` is kept, and the key that it is kept under."""
    try:
        bound = signature(measure).bind(network, images, **parameters)
    except TypeError as error:
        raise TypeError(f"{measure.__name__}: {error}") from None
    bound.apply_defaults()
    _, _, *given = bound.arguments.items()
    key = {
        "measure": f"{measure.__module__}.{measure.__qualname__}",
        "versions": versions(measure),
        "parameters": {name: value for name, value in given if name not in PERFORMANCE},
        "network": network.name,
        "seed": network.seed,
        "checkpoint": network.checkpoint_hash(),
        "images": images.name,
        "dataset": images.digest,
    }
    key = json.loads(json.dumps(key, default=_plain))
    about = f"{network.name}-seed{network.seed}_{images.name}"[:80]
    about = "".join(c if (c.isascii() and c.isalnum()) or c in "-._" else "-" for c in about)
    name = f"{about}_{hashlib.sha256(_text(key).encode()).hexdigest()[:16]}.csv"
    return RESULTS / network.dataset / measure.__name__ / name, key


def versions(measure: Callable) -> dict[str, object]:
    """Module -> its ``VERSION``, of the measure's module and all of this package it is built on.

    These are the modules that are among a module's globals, or whose functions and classes are,
    and so on from these. A package's own submodules do not count: they are among its globals as
    soon as anything has imported them. ValueError if the measure's module has no VERSION.
    """
    module = sys.modules[measure.__module__]
    if not hasattr(module, "VERSION"):
        raise ValueError(
            f"{module.__name__} has no VERSION, which tells results of older code from newer: "
            f"write VERSION = 1 above {measure.__name__} and raise it with every change"
        )
    package, found, left = __package__ + ".", {}, [module]
    while left:
        module = left.pop()
        found[module.__name__] = getattr(module, "VERSION", None)
        for value in vars(module).values():
            own = value.__name__ if isinstance(value, ModuleType) else None
            name = own or getattr(value, "__module__", None)
            if not isinstance(name, str) or not name.startswith(package) or name in found:
                continue
            if own is None or not own.startswith(module.__name__ + "."):
                left.append(sys.modules[name])
    return {name: found[name] for name in sorted(found) if found[name] is not None}


def _plain(value: object) -> dict:
    if is_dataclass(value):
        return asdict(value)
    raise TypeError(
        f"{value!r} cannot be in the key of a result: give numbers, texts, lists or dataclasses"
    )


def _text(key: dict) -> str:
    return json.dumps(key, sort_keys=True)


def _sidecar(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".json")


def _write(table: "pd.DataFrame", path: Path, key: dict) -> "pd.DataFrame":
    """The table as it will be read again."""
    content = table.to_csv(index=False).encode()
    facts = {"key": key, "rows": len(table), "sha256": hashlib.sha256(content).hexdigest()}
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    with atomic(_sidecar(path)) as temporary:
        temporary.write_text(json.dumps(facts | {"provenance": provenance()}, indent=1))
    return _parsed(content)


def _read(path: Path, key: dict) -> "pd.DataFrame | None":
    """The stored table; None unless it is there whole, as it was written under this key."""
    try:
        content, facts = path.read_bytes(), json.loads(_sidecar(path).read_text())
        found = _text(facts["key"]), facts["sha256"], facts["rows"]
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if found[:2] != (_text(key), hashlib.sha256(content).hexdigest()):
        return None
    table = _parsed(content)
    return table if len(table) == found[2] else None


def _parsed(content: bytes) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(BytesIO(content), keep_default_na=False, na_values=[""])


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
    content = table.to_csv(index=False, float_format="%.6g").encode()
    facts = {"about": about, "sha256": hashlib.sha256(content).hexdigest()}
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    with atomic(_sidecar(path)) as temporary:
        temporary.write_text(json.dumps(facts | {"provenance": provenance()}, indent=1) + "\n")
    return path


def stored(dataset: str, name: str, about: dict | None = None) -> "pd.DataFrame":
    """The table that :func:`store` kept; an empty one where this dataset has none of that name.

    With `about`, also empty unless this table was kept with the same.
    """
    import pandas as pd

    path = RESULTS / dataset / f"{name}.csv"
    if not path.exists():
        return pd.DataFrame()
    if about is not None and stored_about(dataset, name) != json.loads(json.dumps(about)):
        return pd.DataFrame()
    return pd.read_csv(path)


def stored_about(dataset: str, name: str) -> dict:
    """What :func:`store` was told about the table; empty where that is not known.

    Killed between its two files, it leaves a sidecar that speaks of the table before.
    """
    path = RESULTS / dataset / f"{name}.csv"
    sidecar = _sidecar(path)
    facts = json.loads(sidecar.read_text()) if path.exists() and sidecar.exists() else {}
    if "sha256" in facts and facts["sha256"] != hashlib.sha256(path.read_bytes()).hexdigest():
        return {}  # a sidecar of older code has no hash
    return facts.get("about", {})
