"""You against the networks: conflict images flashed, your decisions, your shape bias."""

import asyncio
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd

from ..categories import CATEGORIES
from ..datasets import ImageSet
from ..files import atomic
from ..measures.schema import OBSERVER, SCHEMA
from ..measures.shape_bias import shape_bias
from ..tables import percent
from .panel import picture, screen

SHOWN, TRIALS = 0.2, 20
"""Seconds that an image is seen, as in Geirhos et al. (2019), and images of a session."""


def you_against_the_networks(
    trials: pd.DataFrame, images: ImageSet, out: Path, name: str = "subject-you", seed: int = 0
) -> ipywidgets.Widget:
    """20 conflict images, each seen for 200 ms; then your shape bias beside everybody else's.

    `trials` are the others' decisions (``predictions.collect``, humans' too). Yours are written to
    `out`, a CSV in the schema of model-vs-human that notebook 03 reads (`observers`).
    """
    session = Session(trials, images, Path(out), name, seed)
    return session.box


class Session:
    """The state of one session: which image is shown, and what was answered so far."""

    def __init__(
        self, trials: pd.DataFrame, images: ImageSet, out: Path, name: str, seed: int
    ) -> None:
        table = images.table
        conflict = (table["category"] != table["texture_category"]).to_numpy().nonzero()[0]
        drawn = np.random.default_rng(seed).permutation(conflict)[:TRIALS]
        self.images, self.rows, self.others = images, [int(i) for i in drawn], trials
        self.out, self.name, self.answers = out, name, []
        self.image, self.text = screen(), ipywidgets.HTML()
        self.start = ipywidgets.Button(description="Show the next image")
        self.buttons = [ipywidgets.Button(description=c, disabled=True) for c in CATEGORIES]
        for button in self.buttons:
            button.on_click(lambda pressed: self.answer(pressed.description))
        self.start.on_click(lambda _: self.flash())
        grid = ipywidgets.GridBox(
            self.buttons, layout=ipywidgets.Layout(grid_template_columns="repeat(4, 150px)")
        )
        self.blank = picture(np.full((3, *images.load([0]).shape[2:]), 0.5))
        self.image.value = self.blank
        self.text.value = f"{len(self.rows)} images. What do you see? There is no right answer."
        left = ipywidgets.VBox([self.start, self.image])
        self.box = ipywidgets.VBox([ipywidgets.HBox([left, grid]), self.text])

    def flash(self) -> None:
        """Show the next image for a moment, then let one answer."""
        self.start.disabled = True
        self.text.value = "What did you see?"
        self.image.value = picture(self.images.load([self.rows[len(self.answers)]])[0])
        try:
            asyncio.get_running_loop().call_later(SHOWN, self.hide)
        except RuntimeError:  # headless
            self.hide()

    def hide(self) -> None:
        """Take the image away and wait for an answer."""
        self.image.value = self.blank
        for button in self.buttons:
            button.disabled = False

    def answer(self, category: str) -> None:
        """Note what was seen; after the last image, say what it comes to."""
        for button in self.buttons:
            button.disabled = True
        self.answers.append(category)
        left = len(self.rows) - len(self.answers)
        self.start.disabled = not left
        self.text.value = f"{left} to go." if left else self.result()

    def trials(self) -> pd.DataFrame:
        """The answers so far, in the columns of model-vs-human."""
        rows = self.rows[: len(self.answers)]
        own = self.images.table.iloc[rows]
        facts = {
            "subj": self.name, "session": 1, "trial": range(1, len(rows) + 1), "rt": np.nan,
            "object_response": self.answers, "category": own["category"].to_numpy(),
            "condition": 0, "imagename": own["imagename"].to_numpy(),
        }  # fmt: skip
        return pd.DataFrame(facts)[list(SCHEMA)]

    def result(self) -> str:
        """Write the trials, and say whose shape bias is what, on these very images."""
        mine = self.trials()
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with atomic(self.out) as path:
            mine.to_csv(path, index=False)
        about = dict(zip(OBSERVER, (self.name, "human", "human", 0), strict=True))
        same = self.others[self.others["imagename"].isin(mine["imagename"])]
        bias = shape_bias(pd.concat([mine.assign(**about), same], ignore_index=True))
        lines = [
            f"<b>{row.network}</b>: {percent(row.shape_bias, row.low, row.high)} % by shape "
            f"({row.shape} shape, {row.texture} texture, of {row.n})"
            for row in bias.itertuples()
        ]
        return "<br>".join([*lines, f"Kept as {self.out.name}."])
