"""What gets killed: each thing that writes files, small, run in a process of its own.

As a script, given the works: it imports what they need and reads requests, a JSON object a line
(`work`, `folder`, `new`, and perhaps `point` and `how`), forks for each, prints the child's number
and, when it has ended, its status and how many points it passed. Imports are paid once, and the
server itself computes nothing.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from helpers.faults import ARCHIVE, WORKS, notebook_in
from shapebias_utils import cleaning, downloads, notebooks, results
from shapebias_utils.files import provenance
from shapebias_utils.paths import Download

VERSION = 1
QUICK = False
"""Whether kernels and Sphinx are left out, which take seconds and write what is overwritten."""

# Each takes the folder that it writes in, and `facts` whose `new` says which of two contents.


def training(folder, new):
    from helpers.toy_training import STANDARD, toy_images, toy_network
    from shapebias_utils.training.loop import train

    train(toy_network, toy_images(), STANDARD, folder / "toy.safetensors", seed=int(new))


def halving(folder, new):
    from helpers.toy_training import toy_network
    from shapebias_utils.networks import Network
    from shapebias_utils.networks.checkpoints import file_hash, save
    from shapebias_utils.training import studies

    path = folder / "toy.safetensors"
    if not path.exists():
        save(toy_network(), path)
        path.with_suffix(".json").write_text(json.dumps({"sha256": file_hash(path)}))
    if new:
        studies.responses = lambda *_: pd.DataFrame({"prediction": [1, 2]})
        studies.round_to_half(Network("Toy", toy_network, dataset="pictograms", checkpoint=path))


def measure(network, images, n=2000, new=False):
    return pd.DataFrame({"image": range(n), "value": np.sqrt(np.arange(n) + new)})


def cached(folder, new):
    results.RESULTS = folder / "results"
    network = SimpleNamespace(name="N", seed=0, dataset="toy", checkpoint_hash=lambda: "a")
    for n in (2000, 20_000, 7):
        images = SimpleNamespace(name="some", digest=str(n))
        results.cached(
            lambda network, images, n=n: measure(network, images, n, new), network, images,
            refresh=True,
        )  # fmt: skip


def stored(folder, new):
    results.RESULTS = folder / "results"
    results.store(measure(None, None, 3000, new), "toy", "kept", {"new": bool(new)})
    if len(results.stored("toy", "kept", {"new": bool(new)})) != 3000:
        raise AssertionError("what was stored is not there")


def cleaned(folder, new):
    cleaning.RESULTS = folder / "results"
    if new:
        cleaning.clean("results")
    else:
        cached(folder, new)


def figures(folder, new):
    from shapebias_utils.figures import drawing

    drawing.FIGURES = folder / "figures"
    table = pd.DataFrame({"x": range(50), "y": np.arange(50) ** (2 if new else 1)})
    # Drawing takes long and writes nothing: a file of the format's name stands for it.
    drawing._render = lambda _, kind, **options: f"{kind} {new}\n".encode() * 10_000
    drawing.save(drawing.nothing(""), "03_toy", "toy", table)


def executed(source, copy, parameters, **_):
    """As papermill leaves it, without a kernel."""
    import nbformat

    found = nbformat.read(source, as_version=4)
    found.cells[1].outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=f"{parameters['n']}\n")
    ]
    nbformat.write(found, copy)


def notebook(folder, new):
    import nbformat
    import papermill

    path = folder / "notebooks" / "00_a.ipynb"
    if not path.exists():
        notebook_in(path.parent, "n: int = 0", "print(n)", "print(n + 1)")
    notebooks.NOTEBOOKS, notebooks.BUILD = folder / "notebooks", folder / "build"
    if QUICK:
        papermill.execute_notebook = executed
    copy, _ = notebooks.run(path, {"n": int(new)})
    result = nbformat.read(copy, as_version=4)  # with the cell that papermill puts in
    injected = "injected-parameters"
    result.cells = [c for c in result.cells if injected not in c.metadata.get("tags", ())]
    plain = folder / "plain.ipynb"
    with notebooks.atomic(plain) as temporary:
        nbformat.write(result, temporary)
    notebooks.update(path, plain)


def concept_set(new):
    import torch

    from shapebias_utils.datasets import ImageSet
    from shapebias_utils.datasets.concepts import ConceptSet

    rng = np.random.default_rng(int(new))
    pictures = torch.from_numpy(rng.integers(0, 256, (40, 3, 24, 24)))
    planes = rng.integers(1, 3, (40, 1, 12, 12)).astype(np.uint16)
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(40)], "category": "", "label": 0})
    images = ImageSet("some", table, lambda rows: pictures[list(rows)].float() / 255, "d")
    concepts = pd.DataFrame({"number": [1, 2], "name": ["red", "blue"], "category": "color"})
    whole = np.zeros((40, 0), np.uint16)
    return ConceptSet(
        images, concepts, lambda rows: (planes[list(rows)], whole[list(rows)]), str(new)
    )


def export(folder, new):
    from shapebias_utils.datasets.broden_export import export_broden

    if new or not (folder / "broden").exists():
        place = folder / ("broden" if not new else "broden-new")
        if not place.exists():
            export_broden(concept_set(new), place)


def caches(folder, new):
    from shapebias_utils.datasets import decoded, labels_on_disk

    decoded.DECODED = folder / "decoded"
    labels, images = concept_set(new), concept_set(new).images
    decoded.decoded("toy", "some", images.table, "d" * 64, images.load, part=8)
    key = {"new": bool(new)}
    if labels_on_disk.kept(folder / "labels", key) is None:
        some = (tuple(a[0] for a in labels.labels([i])) for i in range(40))
        labels_on_disk.keep(folder / "labels", key, some, {})


def pages_of_site(folder, new):
    import sphinx.application

    from shapebias_utils import site
    from shapebias_utils.site import crate, mixer, pages

    notebook_in(folder / "notebooks", f"print({int(new)})")
    for module in (site, pages):
        module.NOTEBOOKS, module.FIGURES = folder / "notebooks", folder / "figures"
    (folder / "figures" / "toy").mkdir(parents=True, exist_ok=True)
    site.BUILD, site.GUIDES = folder / "build", folder / "nothing"
    mixer.write = lambda *_: False
    pages.all_pages = lambda *_: {
        "index": f"# Site\n\n{int(new)}\n\n" + pages._toctree("Notebooks", ["notebooks/00_a"])
    }
    crate.write = lambda out, _: (out / "ro-crate-metadata.json").write_text("{}")
    if QUICK:
        sphinx.application.Sphinx = FewPages
    site.build()


class FewPages:
    """In place of Sphinx: the pages' texts as they are."""

    statuscode = 0

    def __init__(self, source: Path, conf: None, out: Path, *args: object, **options: object):
        self.source, self.out = source, out

    def build(self) -> None:
        (self.out / "_static").mkdir()
        for name in ("index.html", ".buildinfo", "_static/a.map", "_static/a.css"):
            (self.out / name).write_bytes((self.source / "index.md").read_bytes())


def fetch(folder, new):
    class Slow(BaseHTTPRequestHandler):
        def do_GET(self):
            start = int((self.headers["Range"] or "bytes=0-").split("=")[1].rstrip("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(ARCHIVE) - start))
            if start:
                whole = f"bytes {start}-{len(ARCHIVE) - 1}/{len(ARCHIVE)}"
                self.send_header("Content-Range", whole)
            self.end_headers()
            for at in range(start, len(ARCHIVE), 1 << 16):
                self.wfile.write(ARCHIVE[at : at + (1 << 16)])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    record = Download(
        "weights", f"http://127.0.0.1:{server.server_port}/w.bin",
        hashlib.sha256(ARCHIVE).hexdigest(), folder / "data" / "w.bin", 3, "",
    )  # fmt: skip
    downloads.fetch(record)


DO: dict[str, Callable] = dict(
    zip(
        WORKS,
        (training, halving, cached, stored, cleaned, figures, notebook, export, caches,
         pages_of_site, fetch),
        strict=True,
    )
)  # fmt: skip

TORCH = ("torch", "torch._dynamo")  # an optimiser imports the second, in each child
NEEDS = {
    training: (*TORCH, "helpers.toy_training", "shapebias_utils.training.loop"),
    halving: (*TORCH, "helpers.toy_training", "shapebias_utils.training.studies"),
    figures: ("shapebias_utils.figures.drawing",),
    notebook: ("nbformat", "papermill"),
    export: ("torch", "shapebias_utils.datasets.broden_export"),
    caches: ("torch", "shapebias_utils.datasets.decoded"),
    pages_of_site: ("sphinx.application", "myst_nb", "shapebias_utils.site.pages",
                    "shapebias_utils.site.crate", "shapebias_utils.site.mixer"),
}  # fmt: skip
"""Work -> the modules that are imported before it is forked for."""


def faulty(folder: Path, at: int, how: str) -> Callable[[], int]:
    """Have the fault happen at the so-many-th point (-1: never); returns what counts the points.

    A point is before and after each fsync, replace, rename, unlink and rmdir in the folder, of
    ours or of a library. `how`: "kill", or "full", which raises what a full disk raises.
    """
    points = count()
    passed = [0]

    def pass_point(before: bool) -> None:
        passed[0] = 1 + (here := next(points))
        if here != at:
            return
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if before:
            raise OSError(28, "No space left on device")

    def place(target: object, dir_fd: int | None) -> str:
        if isinstance(target, int):
            return os.readlink(f"/proc/self/fd/{target}")
        held = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else ""
        return os.path.join(held, os.fspath(target))

    def patched(call: Callable) -> Callable:
        def wrapper(target, *args, **options):
            inside = place(target, options.get("dir_fd")).startswith(str(folder))
            if inside and not place(target, options.get("dir_fd")).endswith(".lock"):
                pass_point(before=True)
            done = call(target, *args, **options)
            if inside and not str(target).endswith(".lock"):
                pass_point(before=False)
            return done

        return wrapper

    for name in ("fsync", "replace", "rename", "unlink", "rmdir"):
        setattr(os, name, patched(getattr(os, name)))
    return lambda: passed[0]


def child(request: dict, out: int) -> None:
    """Do the work, write the number of points to `out`, and leave."""
    global QUICK
    folder, code, QUICK = Path(request["folder"]), 0, request.get("quick", False)
    passed = faulty(folder, request.get("point", -1), request.get("how", "kill"))
    try:
        DO[request["work"]](folder, request["new"])
    except BaseException:
        traceback.print_exc()
        code = 1
    os.write(out, str(passed()).encode())
    os._exit(code)


def main() -> None:
    for work in sys.argv[1:]:
        for module in NEEDS.get(DO[work], ()):
            import_module(module)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    provenance()  # which asks git
    for line in sys.stdin:
        request = json.loads(line)
        here, there = os.pipe()
        if (pid := os.fork()) == 0:
            log = os.open(f"{request['folder']}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            child(request, there)
        os.close(there)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        points = os.read(here, 20).decode()
        os.close(here)
        print(os.waitstatus_to_exitcode(status), points or -1, flush=True)


if __name__ == "__main__":
    main()
