"""The unit microscope: one channel, what it is called, what it prefers, what hangs on it."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import ipywidgets
import pandas as pd

from ..categories import CATEGORIES
from ..datasets import ImageSet
from ..datasets.cue_conflict import balanced
from ..hooks import ablate
from ..measures.ablation import study
from ..measures.dissection.detectors import unit_labels
from ..measures.dissection.rules import Rules
from ..networks import Network
from .panel import Answers, picture, screen, watch
from .slide import Slide, opened, sheet

SHEET = 384
"""Pixels of a sheet of preferred images, about."""

TESTED, AT_A_TIME = 24, 8
"""Stimuli on which the channel is taken away, and how many of them in one step."""


def unit_microscope(
    networks: Sequence[Network],
    dissected: Mapping[str, pd.DataFrame],
    natural: ImageSet,
    stimuli: ImageSet,
    at: str = "",
    rules: str | Rules = "default",
    scores: pd.DataFrame | None = None,
) -> ipywidgets.Widget:
    """Menus for network, layer and channel; its labels, images, scores, and what it decides.

    `dissected` maps names of labellings to tables of ``dissection.dissect``, collected. The images
    of `natural` that activate the channel's central unit most are lit where that unit sees them,
    and again where the channel exceeds the threshold of the first labelling. Of `TESTED` of the
    `stimuli` those are named whose decision changes without the channel; `scores` on all of them
    are those of ``ablation.study.scored``, if None what is kept of them. `at` opens it at a place,
    such as "AlexNet-R/conv5/12": the field *place* says where it is, and goes where one is written.
    Without, it opens at the best detector of the first network's last layer. ValueError where `at`
    is no such place.
    """
    if scores is None:
        images = balanced(stimuli, 0)
        kept = study.done(networks, images)
        scores = study.scored(kept, images) if kept else None
    answers = Answers(networks)
    by_name = {n.name: n for n in networks}
    labels = {title: unit_labels(table) for title, table in dissected.items()}
    place = ipywidgets.Text(description="place", continuous_update=False)
    name = ipywidgets.Dropdown(options=list(by_name), description="network")
    floor = ipywidgets.Dropdown(options=list(by_name[name.value].layers), description="layer")
    channel = ipywidgets.BoundedIntText(0, 0, 10_000, description="channel")
    facts, flips = ipywidgets.HTML(), ipywidgets.HTML()
    seen, active = screen(), screen()
    seen.layout.width = active.layout.width = "320px"  # beside each other in JupyterLab
    few = list(range(0, len(stimuli), max(1, len(stimuli) // TESTED)))[:TESTED]
    tested = stimuli.subset(few, f"{stimuli.name}_few")
    slides: dict[str, Slide] = {}

    def slide() -> Slide:
        if name.value not in slides:
            slides[name.value] = opened(by_name[name.value], answers, natural, tested, rules)
        return slides[name.value]

    def here() -> str:
        return f"{name.value}/{floor.value}/{channel.value}"

    def go(there: str) -> None:
        parts = there.strip().rsplit("/", 2)
        if not (
            len(parts) == 3
            and parts[0] in by_name
            and parts[1] in by_name[parts[0]].layers
            and parts[2].isdecimal()
        ):
            raise ValueError(f"no place {there!r}; one is {here()!r}: network/layer/channel")
        name.value, floor.value, channel.value = parts[0], parts[1], int(parts[2])

    def written(change: Mapping) -> None:
        try:
            go(change["new"])
        except ValueError as error:
            facts.value = escape(str(error))

    def offer(_: object = None) -> None:
        kept, known = floor.value, list(by_name[name.value].layers)
        floor.options = known
        floor.value = kept if kept in known else known[-1]

    def show() -> None:
        place.value, flips.value = here(), ""
        own, at = slide(), (floor.value, channel.value)
        best = own.best(*at)
        if best is None:
            facts.value = f"{at[0]} of {name.value} has no channel {at[1]}."
            return
        facts.value = "<br>".join(_facts(labels, scores, own.network, *at))
        x = natural.load([natural.row(n) for n in best])
        seen.value = picture(sheet(x, own.field(at[0], x)), SHEET)
        threshold = _row(next(iter(labels.values()), None), own.network, *at)
        lit = threshold is not None and at[0] in own.grids
        active.layout.visibility = "visible" if lit else "hidden"
        if lit:
            active.value = picture(sheet(x, own.mask(*at, x, threshold["threshold"])), SHEET)

    def without() -> Iterator[None]:
        own, at, changed = slide(), (floor.value, channel.value), []
        if own.best(*at) is None:
            return
        for start in range(0, len(tested), AT_A_TIME):
            rows = list(range(start, min(start + AT_A_TIME, len(tested))))
            with ablate(own.module, own.network.layers[at[0]], at[1]):
                after = answers.scores(own.network, tested.load(rows)).argmax(1)
            changed += [(r, b) for r, b in zip(rows, after, strict=True) if own.decided[r] != b]
            yield
        lines = [
            f"{tested.table['imagename'].iloc[row]}: "
            f"{CATEGORIES[own.decided[row]]} &rarr; {CATEGORIES[new]}"
            for row, new in changed
        ]
        title = f"<b>Decisions that change without it</b>, of {len(tested)}: {len(changed)}"
        flips.value = "<br>".join([title, *lines])

    name.observe(offer, names="value")
    floor.value = floor.options[-1]
    channel.value = _best(next(iter(labels.values()), None), networks[0], floor.value)
    if at:
        go(at)
    watch([name, floor, channel], show, without)
    place.observe(written, names="value")
    left = ipywidgets.VBox([place, name, floor, channel, facts, flips])
    sheets = [
        ipywidgets.VBox([ipywidgets.Label(title), image])
        for title, image in (
            ("Preferred images, lit where its central unit sees", seen),
            ("The same, lit where it is active", active),
        )
    ]
    return ipywidgets.HBox([left, *sheets], layout=ipywidgets.Layout(flex_flow="row wrap"))


def _facts(
    labels: Mapping[str, pd.DataFrame],
    scores: pd.DataFrame | None,
    network: Network,
    layer: str,
    unit: int,
) -> list[str]:
    """What is known of a channel, a line each: its label by each labelling, its scores."""
    lines = []
    for title, table in labels.items():
        row = _row(table, network, layer, unit)
        if row is None or not isinstance(row["concept"], str):
            lines.append(f"<b>{escape(title)}</b>: no label")
            continue
        label = f"{escape(row['concept'])} ({row['category']}), IoU {row['iou']:.3f}"
        lines.append(f"<b>{escape(title)}</b>: {label}")
    row = _row(scores, network, layer, unit)
    if row is None:
        return [*lines, "No scores of it are kept."]
    of = {cue: f"{row[f'{cue}_score']:g} of {row[cue]:g}" for cue in ("shape", "texture")}
    return [*lines, f"<b>Shape score</b> {of['shape']}, <b>Texture score</b> {of['texture']}"]


def _best(table: pd.DataFrame | None, network: Network, layer: str) -> int:
    """The layer's channel of highest IoU; the first where there are no labels."""
    if table is None:
        return 0
    own = table[(table["network"] == network.name) & (table["layer"] == layer)]
    return int(own.loc[own["iou"].idxmax(), "unit"]) if len(own) else 0


def _row(table: pd.DataFrame | None, network: Network, layer: str, unit: int) -> pd.Series | None:
    """The channel's row of a table; None without."""
    if table is None or table.empty:
        return None
    own = (table["network"] == network.name) & (table["layer"] == layer) & (table["unit"] == unit)
    return table[own].iloc[0] if own.any() else None
