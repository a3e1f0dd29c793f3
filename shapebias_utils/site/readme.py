"""The parts of the README that are computed: what replicated, and the table of notebooks.

``python -m shapebias_utils.site.readme`` writes them; a test compares.
"""

import re

import pandas as pd

from ..claims import KEPT, claims, ledger, summed
from ..files import atomic
from ..paths import NOTEBOOKS, ROOT
from ..results import stored
from ..tables.claims import AGAINST, markdown

README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- /\2 -->)", re.S)
DATASET = "pictograms"

HEADLINES = (
    "shape_bias", "standard_by_texture", "robust_by_shape", "scrambled", "no_texture",
    "texture_blob", "silhouette", "stylized", "05_first_filters", "05_noise",
    "more_colour_channels", "more_texture_channels", "fewer_object_channels",
    "fewer_concepts_a_channel", "generalists", "08_mean", "zz_low_frequencies", "zz_contours",
    "more_than_blur",
)  # fmt: skip
"""Keys of the claims that a reader sees first: those of the two abstracts, and the first doubt."""


TIMED = """Times are of a run with no results on disk: two notebooks at a time, float32, two cores
and no GPU; images had been drawn before, and what another notebook had measured was read from disk.
A second run reads all of its results from there."""


def replicated() -> str:
    """What became of the headline claims: a row a claim, against S and against the control."""
    verdicts = ledger([DATASET])
    rows = []
    for key in HEADLINES:
        own = verdicts[verdicts["claim"] == key]
        said = own.groupby("against", sort=False)["verdict"].agg(summed)
        constant = "; ".join(text for a, text in said.items() if a not in AGAINST)
        by_control = said.get("control", "–" if constant else "not tested")
        notebook = next(NOTEBOOKS.glob(f"{own['notebook'].iloc[0]}_*.ipynb"))
        link = f"[{own['notebook'].iloc[0]}](notebooks/{notebook.name})"
        statement = own["statement"].iloc[0]
        rows.append((statement, link, said.get("standard", constant), by_control))
    columns = ["claim", "", "R against S", "R against the control"]
    return markdown(pd.DataFrame(rows, columns=columns))


def notebooks() -> str:
    """The notebooks: section of the paper, what is shown, figures, seconds of the last run."""
    times = stored(DATASET, "times")
    seconds = dict(zip(times["notebook"], times["seconds"], strict=True)) if len(times) else {}
    rows = []
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        number = path.stem[:2]
        sections = list(dict.fromkeys(c.section for c in claims(number)))
        figures = len(list((KEPT / DATASET).glob(f"{number}_*.png")))
        title = _title(path.read_text(encoding="utf-8"))
        took = f"{seconds[path.stem]:.0f} s" if path.stem in seconds else ""
        link = f"[`{path.stem}`](notebooks/{path.name})"
        rows.append((link, title, _short(sections), figures or "", took))
    table = pd.DataFrame(rows, columns=["notebook", "", "section", "figures", "time"])
    if not seconds:
        return markdown(table.drop(columns="time"))
    return f"{markdown(table)}\n\n{TIMED}"


def _title(notebook: str) -> str:
    return re.search(r"# \d\d · ([^\\\"]+)", notebook)[1].strip()


def _short(sections: list[str], most: int = 3) -> str:
    """The first parts of section names, each once."""
    first = list(dict.fromkeys(s.split(",")[0].strip() for s in sections))
    return ", ".join(first[:most]) + (", ..." if len(first) > most else "")


def filled(text: str) -> str:
    """The README's text with its computed parts as they are now."""
    parts = {"replicated": replicated, "notebooks": notebooks}
    return BLOCK.sub(lambda block: f"{block[1]}{parts[block[2]]()}\n{block[3]}", text)


if __name__ == "__main__":
    new = filled(README.read_text(encoding="utf-8"))
    with atomic(README) as path:
        path.write_text(new, encoding="utf-8")
