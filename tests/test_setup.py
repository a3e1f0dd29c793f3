"""The repository installs as one thing: pins agree, imports are light and point one way."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from helpers import browser
from notebook_form import MACHINE_PATH
from packaging.requirements import Requirement

from shapebias_utils.doctor import TOOLS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "shapebias_utils"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = PROJECT["dependencies"] + EXTRAS["site"] + EXTRAS["dev"]


# Versions


def read_lock() -> list[Requirement]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if line and line[0] not in " #"]


LOCK = read_lock()
HERE = {r.name: r for r in LOCK if r.marker is None or r.marker.evaluate()}
"""What the lock asks for on this machine: name -> requirement."""


def test_every_pin_is_one_exact_version():
    loose = [str(r) for r in LOCK if not re.fullmatch(r"==[\w.]+", str(r.specifier))]
    assert LOCK and not loose


def test_every_pin_has_the_hashes_of_its_files():
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"\n(?=[a-z])", text.split("\n", 2)[2])
    assert len(blocks) == len(LOCK)
    assert [b.split()[0] for b in blocks if "--hash=sha256:" not in b] == []
    for installer in ("uv pip install", "-m pip install"):
        rows = (ROOT / "Makefile").read_text().replace("\\\n", " ").splitlines()
        (line,) = [row for row in rows if installer in row and "requirements.lock" in row]
        assert "--require-hashes" in line


def test_every_dependency_is_pinned_in_the_lock():
    assert [name for name in DIRECT if name not in HERE] == []


def test_conda_gets_the_versions_of_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda, (pip,) = environment["dependencies"][:-1], environment["dependencies"][-1].values()
    assert (environment["name"], conda) == ("shapebias", ["python=3.11", "pip"])
    assert pip[-1] == "-e ."
    assert pip[:-1] == [f"{name}{HERE[name].specifier}" for name in DIRECT]


def test_what_is_installed_is_what_is_pinned():
    other = {
        name: metadata.version(name)
        for name, wanted in HERE.items()
        if not wanted.specifier.contains(metadata.version(name), prereleases=True)
    }
    assert not other, f"rebuild .venv, these differ from requirements.lock: {other}"


def test_the_version_is_said_once_and_the_same_everywhere():
    import shapebias_utils

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert shapebias_utils.__version__ == PROJECT["version"] == citation["version"]


def test_licence_and_citation():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert citation["license"] == PROJECT["license"] == "MIT"
    paper = citation["preferred-citation"]
    assert [a["family-names"] for a in paper["authors"]] == ["Chen", "Agarwal", "Nguyen"]
    assert paper["url"].endswith("2006.09373")
    assert citation["title"].startswith("shapebias-utils")


# Imports


def modules() -> dict[str, Path]:
    """Name below the package ("networks.mini", "" for the package itself) -> file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(p for p in parts if p != "__init__")] = path
    return found


MODULES = modules()


class Imports(ast.NodeVisitor):
    """Every module that a file imports, at any depth, except only for type checkers."""

    def __init__(self, name: str, path: Path) -> None:
        self.found: set[str] = set()
        parts = ["shapebias_utils", *filter(None, name.split("."))]
        self.package = parts if path.name == "__init__.py" else parts[:-1]
        self.visit(ast.parse(path.read_text()))

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            return self.generic_visit(node)
        for other in node.orelse:
            self.visit(other)

    def visit_Import(self, node: ast.Import) -> None:
        self.found |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self.package[: len(self.package) - node.level + 1] if node.level else []
        module = ".".join([*above, *filter(None, [node.module])])
        for alias in node.names:  # of a module, or of something in it
            inner = f"{module}.{alias.name}"
            known = inner.removeprefix("shapebias_utils.") in MODULES
            self.found.add(inner if known and inner.startswith("shapebias_utils.") else module)


@cache
def imports_of(name: str) -> set[str]:
    return Imports(name, MODULES[name]).found


def parts_used(name: str) -> set[str]:
    """Parts of the package ("networks", "figures") that a module imports, without its own."""
    used = {i.split(".")[1] for i in imports_of(name) if i.startswith("shapebias_utils.")}
    return used - {name.split(".")[0]}


LEAVES = {
    "paths", "categories", "distributed", "hardware", "hooks", "attacks", "files", "results",
    "tolerance", "loading",
}  # fmt: skip
LAYERS = [
    {"datasets"},
    {"distortions"},
    {"networks"},
    {"training", "measures"},
    {"claims"},
    {"figures", "tables"},
    {"widgets"},
    {"notebooks", "downloads", "cleaning", "costs"},
    {"site", "doctor"},
    {"cli"},
]
LAYER = {part: i for i, layer in enumerate(LAYERS) for part in layer}


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_imports_point_one_way(name):
    part = name.split(".")[0]
    assert part in LAYER or part in LEAVES, f"{part} has no place in the order of imports"
    used = parts_used(name)
    if part in LEAVES:
        assert used <= LEAVES
    else:
        assert not {u for u in used - LEAVES if LAYER[u] > LAYER[part]}


def test_no_module_imports_itself_by_way_of_others():
    from graphlib import TopologicalSorter

    package = "shapebias_utils"
    graph = {
        name: {i.removeprefix(package).lstrip(".") for i in imports_of(name)} & set(MODULES)
        for name in MODULES
    }
    # A package's own names do not come from its parts, though they are imported through it.
    TopologicalSorter({n: used - {n, n.rpartition(".")[0]} for n, used in graph.items()}).prepare()


def test_the_reader_of_imports_sees_what_it_should(tmp_path):
    file = tmp_path / "mini.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nimport numpy as np\nfrom ..paths import RAW\n"
        "from . import mini\nfrom .. import figures\n"
        "if TYPE_CHECKING:\n    import pandas\nelse:\n    import scipy.stats\n"
        "def f():\n    from ..training.loop import train\n"
    )
    assert Imports("networks.mini", file).found == {
        "typing", "numpy", "scipy.stats", "shapebias_utils.paths", "shapebias_utils.networks.mini",
        "shapebias_utils.figures", "shapebias_utils.training.loop",
    }  # fmt: skip


@pytest.mark.parametrize(
    "part, never",
    [("measures", {"matplotlib", "seaborn"}), ("figures", {"torch", "torchvision", "robustness"}),
     ("tables", {"torch", "torchvision", "robustness"}), ("datasets", {"matplotlib"})],
)  # fmt: skip
def test_measures_never_plot_and_figures_never_compute(part, never):
    names = [name for name in MODULES if name.split(".")[0] == part]
    assert names
    used = {i.split(".")[0] for name in names for i in imports_of(name)}
    assert not used & never


def test_torch_distributed_is_known_to_one_file():
    users = {n for n in MODULES if any(i.startswith("torch.distributed") for i in imports_of(n))}
    assert users == {"distributed"}


def test_every_import_is_a_declared_dependency():
    installed = metadata.packages_distributions()
    every = DIRECT + [name for extra in EXTRAS.values() for name in extra]
    declared = {name.lower().replace("_", "-") for name in every}
    foreign = {i.split(".")[0] for name in MODULES for i in imports_of(name)}
    foreign -= set(sys.stdlib_module_names) | {"shapebias_utils"}
    undeclared = {
        top for top in foreign
        if not declared & {d.lower().replace("_", "-") for d in installed.get(top, (top,))}
    }  # fmt: skip
    assert "torch" in foreign and not undeclared


def run_python(code: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout


TIMED = """
import sys, time
began = time.process_time()
{}
print(time.process_time() - began, *sys.modules)
"""
HELP = """
from shapebias_utils.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert not end.code
"""


@pytest.mark.parametrize(
    "code, says",
    [("import shapebias_utils", ""), (HELP, "Usage: shapebias")],
    ids=["import", "help"],
)
def test_import_and_help_are_light(code, says):
    seconds = []
    for _ in range(3):  # the best of three, in CPU time, since the machine may be busy
        *printed, last = run_python(TIMED.format(code)).splitlines()
        time, *loaded = last.split()
        seconds.append(float(time))
        assert "shapebias_utils" in loaded
        assert not {"torch", "pandas", "numpy", "matplotlib", "IPython"} & set(loaded)
    assert min(seconds) < 0.5
    assert says in " ".join(printed)


def test_figures_load_no_torch():
    assert (
        run_python("import sys, shapebias_utils.figures; print('torch' in sys.modules)")
        == "False\n"
    )


def test_the_command_is_there():
    module, _, function = PROJECT["scripts"]["shapebias"].partition(":")
    code = f"import {module}; print(callable({module}.{function}))"
    assert run_python(code) == "True\n"


# What is committed

HOSTS = [("pypi", "org"), ("pythonhosted", "org"), ("conda.anaconda", "org"), ("opt", "pypi")]
FORBIDDEN = {
    "a path of somebody's machine": MACHINE_PATH.pattern.encode(),
    "a package index": "|".join(rf"\b{a}[./]{b}\b" for a, b in HOSTS).encode(),
}


def committed() -> list[Path]:
    """The files that git tracks, or would with `git add .`."""
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z",
           "--cached", "--others", "--exclude-standard"]  # fmt: skip
    try:
        listed = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout, so nothing tells which files belong to the repository")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_names(what):
    found = []
    for path in committed():
        text = path.read_bytes()
        for match in re.finditer(FORBIDDEN[what], text):
            line = text.count(b"\n", 0, match.start()) + 1
            found.append(
                f"{path.relative_to(ROOT)}:{line}: {match.group().decode(errors='replace')}"
            )
    assert not found


@pytest.mark.parametrize(
    "text, is_one",
    [("cd {}home/me", True), ("'{}tmp/x'", True), ("({}work/main)", True), ("open('{}tmp')", True),
     ("https://example.org/home/page", False), ("build/tmp/x", False), ("$HOME/work/x", False),
     ("{}usr/bin/env", False), ("read/work/rest", False), ("~/work/x", False)],
)  # fmt: skip
def test_what_counts_as_a_path_of_a_machine(text, is_one):
    assert bool(MACHINE_PATH.search(text.format("/"))) is is_one


def test_what_is_built_or_downloaded_is_not_committed():
    ignored = [
        "build/x",
        ".venv/x",
        "data/raw/x",
        "shapebias_utils.egg-info/x",
        ".ready/__pycache__/x",
    ]
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "check-ignore", *ignored]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    if done.returncode == 128:
        pytest.skip("no git checkout")
    assert done.stdout.split() == ignored


# Commands


def test_every_make_target_is_documented():
    text = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", text, re.M).group(1).split())
    documented = set(re.findall(r"^([a-z-]+):.*  ## \S", text, re.M))
    assert phony == documented
    assert {"help", "reproduce", "test", "lab", "train", "bench", "lint"} <= documented


def test_the_doctor_and_the_tests_look_for_the_same_chromium():
    assert TOOLS["chromium"][0] == browser.NAMES


def test_ci_runs_what_a_user_runs():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = [step.get("run") for step in workflow["jobs"]["test"]["steps"]]
    assert steps[-1] == ".ci/run"
