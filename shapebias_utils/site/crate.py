"""RO-Crate metadata: which notebook made a figure, from which weights, and what its values are.

Read by repositories and search engines of research data (https://w3id.org/ro/crate).
"""

from pathlib import Path

from ..datasets import get_dataset
from ..files import sha256
from ..networks import network_names
from ..networks.checkpoints import file_hash
from ..notebooks import saved_by
from ..paths import FIGURES, NOTEBOOKS, ROOT

DESCRIPTION = (
    "Figures, tables and executed notebooks of a companion to: The shape and simplicity biases of "
    "adversarially robust ImageNet-trained CNNs (arXiv 2006.09373)."
)


def write(site: Path, datasets: list[str]) -> Path:
    """The path of ``ro-crate-metadata.json``, written into a site that is built.

    A `CreateAction` for each notebook and dataset: its instrument is the notebook, its objects are
    the weights (with SHA-256), its results the figures and the CSV files of their values (with
    SHA-256). RuntimeError where rocrate is not installed.
    """
    try:
        from rocrate.model import ContextEntity, File
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise RuntimeError("RO-Crate metadata need rocrate: pip install -e '.[site]'") from None
    crate = ROCrate()
    crate.name = "Shape and simplicity biases of robust CNNs: a reproducible companion"
    crate.description = DESCRIPTION
    crate.license = "https://spdx.org/licenses/MIT"
    for dataset in datasets:
        weights = [
            crate.add(
                File(
                    crate,
                    dest_path=path.relative_to(ROOT).as_posix(),
                    properties={"name": name, "sha256": file_hash(path)},
                )
            )
            for name, path in _checkpoints(dataset)
        ]
        for notebook in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
            results = [
                crate.add(
                    File(
                        crate,
                        dest_path=f"figures/{dataset}/{path.name}",
                        properties={"name": path.stem, "sha256": sha256(path)},
                    )
                )
                for path in sorted((FIGURES / dataset).glob("[0-9]*"))
                if path.suffix in (".png", ".csv") and saved_by(path.stem) == notebook
            ]
            if not results:
                continue
            page = crate.add(
                File(
                    crate,
                    dest_path=f"notebooks/{notebook.stem}.html",
                    properties={"name": notebook.stem, "encodingFormat": "text/html"},
                )
            )
            action = ContextEntity(
                crate,
                f"#{dataset}-{notebook.stem}",
                {"@type": "CreateAction", "name": f"{notebook.stem} on {dataset}"},
            )
            crate.add(action)
            action["instrument"], action["object"], action["result"] = page, weights, results
    crate.metadata.write(site)
    return site / "ro-crate-metadata.json"


def _checkpoints(dataset: str) -> list[tuple[str, Path]]:
    from ..networks import get_network

    networks = [get_network(name, dataset) for name in network_names(get_dataset(dataset).name)]
    paths = [(n.name, n.path()) for n in networks if n.path() is not None]
    return [(name, path) for name, path in paths if path.exists() and path.is_relative_to(ROOT)]
