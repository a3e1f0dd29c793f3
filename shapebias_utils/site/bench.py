"""The page of benchmarks, from the table that ``make bench`` kept."""

from pathlib import Path

from .. import figures
from ..results import stored
from ..tables.claims import markdown

TEXT = """# Benchmarks

Times side by side with plain and other implementations, of one run of `make bench` on
{processor} (Python {python}, torch {torch}). A ratio is how many times faster ours is; for measures
on more images, 1 is linear in time and flat in memory. Below their targets: {missed}.

![How many times faster, case by case](bench.png)

{table}
"""


def page(folder: Path) -> str:
    """The page in MyST Markdown, "" where nothing was kept; its figure goes into the folder."""
    table = stored("", "bench")
    if table.empty:
        return ""
    (folder / "bench.png").write_bytes(figures.png(figures.ratios(table)))
    missed = table[table["ratio"] < table["target"]]
    said = ", ".join(f"{r.case} ({r.ratio:.2g} of {r.target:g})" for r in missed.itertuples())
    columns = ["case", "against", "seconds", "other", "ratio", "target", "note"]
    shown = table[columns].map(lambda v: f"{v:.3g}" if isinstance(v, float) else v)
    shown = shown.replace("nan", "").fillna("")
    facts = table.iloc[0][["processor", "python", "torch"]].to_dict()
    return TEXT.format(missed=said or "none", table=markdown(shown), **facts)
