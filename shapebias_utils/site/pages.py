"""The pages that are written from tables: the first one, the gallery, the claims, the API."""

import pkgutil
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import shapebias_utils

from ..claims import PAPERS, judged, ledger, saved, stored_effects
from ..claims.doubts import settled
from ..datasets import get_dataset
from ..notebooks import saved_by
from ..paths import FIGURES, NOTEBOOKS
from ..results import stored
from ..tables import blur as blurs
from ..tables.claims import markdown, replicated
from . import GUIDES

REPRODUCE = """```
make reproduce    # fresh machine -> .venv -> every notebook run -> tables, figures/, this site
make test         # same .venv -> pytest, and nbval on every committed output
```"""

QUESTION = """When shape and texture disagree, which one does a network believe? **Standard
networks (S) decide by texture, adversarially trained ones (R) by shape**, say Chen, Agarwal &
Nguyen in
[*The shape and simplicity biases of adversarially robust ImageNet-trained
CNNs*](https://arxiv.org/abs/2006.09373). Here the paper runs: on images rendered from known shapes
and textures, with networks trained for the purpose, and every claim judged by one rule."""

HIDDEN = ("cli", "site", "widgets")
"""Parts of the package that are no programming interface."""


def all_pages(dataset: str, mixer: bool, bench: str = "") -> dict[str, str]:
    """Name of a page, without its ending -> its text in MyST Markdown.

    With the page of the cue mixer where its data are there, and that of benchmarks (its text).
    """
    extra = {"explore": explore()} if mixer else {}
    extra |= {"benchmarks": bench} if bench else {}
    api = {f"api/{wing}": _wing(wing, names) for wing, names in wings().items()}
    return (
        {
            "index": index(dataset, list(extra)),
            "gallery": gallery(),
            "claims": claims_page(),
            "api/index": _api_index(sorted(wings())),
        }
        | api
        | extra
    )


def datasets() -> list[str]:
    """The datasets that have figures, in the order of their folders' names."""
    return sorted(path.name for path in FIGURES.glob("*/"))


def index(dataset: str, extra: Sequence[str] = ()) -> str:
    """The first page: the question, one figure, what replicated, how to run it."""
    known = replicated(ledger([dataset]))
    table = markdown(known.rename(columns={"statement": "claim"})) if len(known) else ""
    notebooks = [f"notebooks/{p.stem}" for p in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))]
    guides = [f"guides/{p.stem}" for p in sorted(GUIDES.glob("*.md"))]
    return "\n\n".join(
        [
            "# Shape or texture?",
            QUESTION,
            _picture(f"figures/{dataset}/03_shape_bias_by_category.png",
                     "Shape bias by category: S on the right, R on the left"),
            "A panel is an architecture, a row a category of shapes: the further left a marker, "
            "the more images of that shape were decided by their shape. Lines are a network's "
            "bias over all images, crosses the paper's on ImageNet.",
            f"## What replicated on {get_dataset(dataset).title}",
            "Each claim against S and against the *control*, which went on training as long as R "
            "did without an adversary: on the same images, by the 95 % interval of the paired "
            "difference. [All claims](claims.md), with effects.",
            table,
            *_more_than_blur(dataset),
            "## Run it",
            REPRODUCE,
            _toctree("Notebooks", notebooks),
            _toctree("Results", ["claims", "gallery", *extra]),
            _toctree("Guides", guides),
            _toctree("Reference", ["api/index"]),
        ]
    )  # fmt: skip


def _more_than_blur(dataset: str) -> list[str]:
    """What became of the first doubt since: a heading, sentences, the figure; nothing where
    notebook 11 has not been run."""
    stem, effects = "11_more_than_blur", stored_effects("11", dataset)
    if effects is None or saved(stem, dataset) is None:
        return []
    doubts = settled(judged("11", dataset, effects))
    of_blur = doubts[doubts["doubt"].str.contains("blur")]
    lines = [f"- {row.experiment}: {row.outcomes}; the doubt **{FATE[row.verdict]}**."
             for row in of_blur.itertuples()]  # fmt: skip
    published = blurs.with_loss(stored("imagenet", "low_passed_stimuli"))
    stimuli = blurs.on_the_stimuli(blurs.at_the_papers_losses(published, blurs.papers_networks()))
    return [
        "## Is R more than a blur?",
        "Blurring the test images alone raises a standard network's shape bias, and costs it "
        "accuracy, as adversarial training does. What became of the doubt that "
        "R is no more than that:",
        "\n".join(lines),
        f"{stimuli} [11](notebooks/{_stem('11')}.ipynb) has the other doubts.",
        _picture(f"figures/{dataset}/{stem}.png",
                 "Shape bias against the accuracy lost: S along blur, R as it is and blurred"),
    ]  # fmt: skip


FATE = {"falls": "falls", "stands": "stands", "open": "stays open"}


def explore() -> str:
    """The page of the cue mixer, whose data ``mixer.write`` puts beside it."""
    return EXPLORE.format(cue_conflict=_stem("03"))


def _picture(source: str, alternative: str) -> str:
    image = f'<img src="{source}" alt="{escape(alternative)}" class="wide">'
    return f'```{{raw}} html\n<p><a href="{source}">{image}</a></p>\n```'


def _toctree(caption: str, names: list[str]) -> str:
    lines = "\n".join(names)
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```"


EXPLORE = """# Mix the cues

Choose a shape, whose texture it wears, and how strong the texture is. On the right is what the
standard network (orange) and the robust one (blue) make of the image, in per cent. Below, every
pair of cues at that contrast: a row a shape, a column a texture; blue where the shape decides,
orange where the texture does, light grey where neither does. Click a cell to see its image.

```{{raw}} html
<div id="mixer" data-folder="mixer"></div>
<noscript>This page needs JavaScript; the figures of the notebook show the same.</noscript>
<script src="mixer/mixer-data.js"></script>
<script src="_static/mixer.js"></script>
```

Everything is computed before; the notebooks' explorers ask the networks themselves.
[03](notebooks/{cue_conflict}.ipynb) measures what can be seen here.
"""

PAPER_LABEL = re.compile(r"\d\d_(fig|table)(A?\d+)")


def gallery() -> str:
    """All figures: a picture, the paper's number, the notebook, the values, the verdicts."""
    cards = {name: _cards(name) for name in datasets()}
    sections = [
        f"## {get_dataset(name).title}\n\n```{{raw}} html\n<div class=\"gallery\">\n"
        + "\n".join(own) + "\n</div>\n```"
        for name, own in cards.items() if own
    ]  # fmt: skip
    return "\n\n".join(["# Gallery", "Every figure, with the values that it shows.", *sections])


def _cards(dataset: str) -> list[str]:
    verdicts = ledger([dataset])
    cards = []
    for path in sorted((FIGURES / dataset).glob("*.png")):
        stem = path.stem
        own = verdicts[(verdicts["figure"] == stem) & (verdicts["verdict"] != "not tested")]
        counts = own["verdict"].value_counts()
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        label = PAPER_LABEL.match(stem)
        number = f"{ {'fig': 'Figure', 'table': 'Table'}[label[1]] } {label[2]}" if label else ""
        title = escape(stem[3:].replace("_", " "))
        links = [f'<a href="figures/{dataset}/{stem}.csv">values</a>']
        if notebook := saved_by(stem):
            name = notebook.stem
            own_page = f"figures/{dataset}/{name}.html"  # of a run on other images
            here = (FIGURES / dataset / f"{name}.html").exists()
            page = own_page if here else f"notebooks/{name}.html"
            links.insert(0, f'<a href="{page}">{name}</a>')
        facts = " · ".join(filter(None, [number and f"the paper's {number}", *links]))
        cards.append(
            f'<figure><a href="figures/{dataset}/{stem}.png"><img loading="lazy" '
            f'src="figures/{dataset}/{stem}.png" alt="{title}"></a><figcaption><b>{title}</b><br>'
            f"{facts}{'<br>verdicts: ' + said if said else ''}</figcaption></figure>"
        )
    return cards


def claims_page() -> str:
    """The ledger: a section a dataset, a row a claim, architecture and comparison."""
    parts = [
        "# Claims",
        "Each claim of both papers, and of their critics, is a record with a rule fixed before "
        "anything was measured; `effect` is what R has more than what it is held against, with its "
        "95 % interval over images and seeds. A claim is *undecided* where zero is "
        "in the interval, *at chance* where neither network knows anything.",
    ]
    for name in datasets():
        table = ledger([name])
        table = table[table["verdict"] != "not tested"]
        if table.empty:
            continue
        effects = [f"{r.effect:.3g} [{r.low:.3g}, {r.high:.3g}]" for r in table.itertuples()]
        links = [f"[{n}](notebooks/{_stem(n)}.ipynb)" for n in table["notebook"]]
        shown = table.assign(
            effect=effects, notebook=links, paper=table["paper"].map(PAPERS),
            **{c: table[c].astype(int) for c in ("n", "seeds")},
        )[["statement", "architecture", "against", "verdict", "effect", "n", "seeds", "notebook",
           "section", "paper"]]  # fmt: skip
        parts += [f"## {get_dataset(name).title}", markdown(shown)]
    return "\n\n".join(parts)


def _stem(number: str) -> str:
    return next(NOTEBOOKS.glob(f"{number}_*.ipynb")).stem


def wings() -> dict[str, list[str]]:
    """The modules that are the programming interface, by the part of the package they are in."""
    package = Path(shapebias_utils.__file__).parent
    found: dict[str, list[str]] = {}
    for module in pkgutil.walk_packages([str(package)], "shapebias_utils."):
        _, wing, *rest = module.name.split(".")
        if wing not in HIDDEN and not any(part.startswith("_") for part in rest):
            found.setdefault(wing if module.ispkg or rest else "leaves", []).append(module.name)
    return found


def _api_index(names: list[str]) -> str:
    pages = "\n".join(names)
    about = "```{eval-rst}\n.. automodule:: shapebias_utils\n```"
    return f"# API\n\n{about}\n\n```{{toctree}}\n:maxdepth: 2\n\n{pages}\n```"


def _wing(wing: str, names: list[str]) -> str:
    sections = [
        f"## {name.removeprefix('shapebias_utils.')}\n\n"
        f"```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```"
        for name in names
    ]
    return "\n\n".join([f"# {wing}", *sections])
