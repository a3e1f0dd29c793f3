"""What channels come to, with intervals over images and channels, and held against each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .. import statistics
from ..schema import OBSERVER
from .counts import LETTERS
from .detectors import above_chance, unit_labels

DRAWS = 1000


def indicators(dissected: pd.DataFrame, kinds: Sequence[str], rule: str = "all") -> pd.DataFrame:
    """A row a channel and category: whether it is the channel's, also on images drawn again.

    `kinds` are the categories in the order of the concepts' table. `rule` "all": by the label of
    highest IoU; "above chance": of those above their calibrated thresholds. Columns: the observer,
    `layer`, `unit`, `category`, `value` (0 or 1) and `drawn`, a text of 0 and 1, a letter a
    bootstrap resample of the images.
    """
    chosen = above_chance(dissected) if rule == "above chance" else dissected
    labels = unit_labels(chosen)
    keys = [*OBSERVER, "layer", "unit"]
    column = "drawn_detectors" if rule == "above chance" else "drawn"
    texts = dissected.dropna(subset=[column]).drop_duplicates(keys).set_index(keys)[column]
    texts = texts.astype(str).reindex(pd.MultiIndex.from_frame(labels[keys])).fillna("")
    tables = []
    for letter, kind in zip(LETTERS, kinds, strict=False):
        drawn = [text.translate(_bits(letter)) for text in texts]
        value = labels["category"].eq(kind).astype(int)
        tables.append(labels[keys].assign(category=kind, value=value, drawn=drawn))
    return pd.concat(tables, ignore_index=True)


def _bits(letter: str) -> dict[int, str]:
    return {ord(c): "1" if c == letter else "0" for c in f"-{LETTERS}"}


class Drawn:
    """A kind of network's share of channels, a column a seed: `point` (seeds,), `drawn` (draws,
    seeds), in each of which channels and images are drawn again; `n` channels."""

    def __init__(self, rows: pd.DataFrame, draws: int = DRAWS, seed: int = 0) -> None:
        seeds = sorted(rows["seed"].unique())
        units = sorted(rows["unit"].unique())
        self.n, self.point, columns = len(units), [], []
        times = statistics.resampled(len(units), draws, seed)
        for own in seeds:
            mine = rows[rows["seed"] == own].set_index("unit").reindex(units)
            bits = np.array([list(text) for text in mine["drawn"]]) == "1"  # (units, resamples)
            resample = np.arange(draws) % bits.shape[1]
            columns.append((times * bits.T[resample]).sum(1) / len(units))
            self.point.append(mine["value"].mean())
        self.point = np.array(self.point, float)
        self.drawn = np.stack(columns, 1)
        # Of noisy labels some resamples change more than others: centred on what was measured.
        self.drawn += self.point - self.drawn.mean(0)


def shares(rows: pd.DataFrame) -> pd.DataFrame:
    """The share of channels of each category: a row a network and category, with its interval.

    `rows` as from :func:`indicators`. Columns: the observer, `category`, `count`, `share`, `low`,
    `high` (95 %, over images and channels) and `n`.
    """
    found = []
    rows = rows.assign(unit=rows["layer"] + " " + rows["unit"].astype(str))
    for key, own in rows.groupby([*OBSERVER, "category"], sort=False):
        drawn = Drawn(own)
        low, high = np.quantile(drawn.drawn[:, 0], [0.025, 0.975])
        share = float(drawn.point[0])
        found.append((*key, round(share * drawn.n), share, max(low, 0), high, drawn.n))
    columns = [*OBSERVER, "category", "count", "share", "low", "high", "n"]
    return pd.DataFrame(found, columns=columns)


def effects(
    observations: pd.DataFrame,
    of: Sequence[str] = ("robust",),
    against: Sequence[str] = ("standard", "control"),
) -> pd.DataFrame:
    """As ``statistics.effects``, with images drawn again too, for quantities with a `drawn`.

    Channels of one number in one architecture are paired: R and the control went on from S.
    """
    rows = []
    for (quantity, architecture), own in observations.groupby(
        ["quantity", "architecture"], sort=False
    ):
        kinds = dict(list(own.groupby("training", sort=False)))
        for a in of:
            for b in against:
                if a == b or a not in kinds or b not in kinds:
                    continue
                common = sorted({*kinds[a]["seed"]} & {*kinds[b]["seed"]})
                if not common:
                    continue
                first, second = (Drawn(kinds[k][kinds[k]["seed"].isin(common)]) for k in (a, b))
                point = first.point - second.point
                compared = statistics.compared(first.drawn - second.drawn, point)
                levels = *statistics.level_of(first), *statistics.level_of(second)
                facts = *compared, np.nan, *levels, np.nan, first.n, len(common)
                rows.append((quantity, architecture, a, b, *facts))
    return statistics.corrected(pd.DataFrame(rows, columns=list(statistics.EFFECTS)))
