"""Results on disk: computed once, written whole or not at all, and never mistaken for others.

:func:`cached` keeps a measure's table as CSV beside a JSON sidecar: the `key` that it was computed
under, its `rows` and `sha256`, by which damage shows, and its `provenance`, for the record.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from inspect import signature
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .distributed import broadcast, rank
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
        table = broadcast(None if refresh or rank() else _read(path, key))
        if table is None:
            table = measure(network, images, **parameters)
            table = broadcast(None if rank() else _write(table, path, key))
    return table


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
    except (FileNotFoundError, ValueError, KeyError, TypeError):
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
