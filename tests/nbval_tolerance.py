"""Whether a cell's outputs, computed again, are those that are stored in the notebook.

pytest loads this module as a plugin (conftest.py at the root): under ``--nbval`` every cell's
outputs are compared by `differences`, since nbval alone compares numbers as text, and figures not
at all.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shapebias_utils.tolerance import close

if TYPE_CHECKING:
    import numpy as np

FIGURES = ("image/png", "image/jpeg")
WIDGET = "application/vnd.jupyter.widget-view+json"

ABSOLUTE = {0: 0.0, 1: 0.3}
"""Decimals shown -> difference that is allowed also where it is a larger share; see `agree`."""

ABSOLUTE_OTHERWISE = 0.02

MOST_RMS = 2.0
"""Largest RMS difference of two figures, of 255. The same code gives 0, lines a tenth wider about
1, another colour of a few lines 18."""

PATIENCE = 120
"""Seconds for a cell's outputs to arrive when it has run. nbval's 5 are few on a busy machine."""


def differences(stored: Sequence[Mapping], computed: Sequence[Mapping]) -> list[str]:
    """How the computed outputs of a cell differ from the stored ones, a line each.

    Text is the same up to spaces and to numbers that `agree`; figures have the same size and an
    RMS difference of at most 2 of 255. What goes to stderr (progress bars, warnings) and widgets
    are not compared.
    """
    before, after = _comparable(stored), _comparable(computed)
    if [sorted(out) for out in before] != [sorted(out) for out in after]:
        return [f"other outputs: {_kinds(after)}, stored are {_kinds(before)}"]
    found = []
    for old, new in zip(before, after, strict=True):
        for kind in old:
            difference = _figure_difference if kind in FIGURES else _text_difference
            if problem := difference(old[kind], new[kind]):
                found.append(f"{kind}: {problem}")
    return found


def _kinds(outputs: Sequence[Mapping]) -> str:
    return "; ".join(", ".join(sorted(out)) for out in outputs) or "none"


def _comparable(outputs: Sequence[Mapping]) -> list[dict[str, str]]:
    """The outputs as kind -> value: stdout as one, since it comes in pieces of any size."""
    printed = "".join(o["text"] for o in outputs if o.get("name") == "stdout")
    found = [{"stdout": re.sub(r"^.*\r(?=[^\n])", "", printed, flags=re.M)}] if printed else []
    for out in outputs:
        data = out.get("data", {})
        if out["output_type"] == "error":
            found.append({"error": f"{out['ename']}: {out['evalue']}"})
        elif data and WIDGET not in data:
            found.append({kind: v if isinstance(v, str) else repr(v) for kind, v in data.items()})
    return found


# No part of a name ("conv1", "ResNet-50"), a file name, a version or a length ("640px").
NUMBER = re.compile(
    r"(?<![\w.])(?<![A-Za-z]-)[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|\.\d)"
)


def agree(stored: str, computed: str) -> bool:
    """Whether two numbers, as they are printed, are the same measurement.

    That is: they are `close`, or differ by 0.02, or, if printed with one decimal (per cent), by
    0.3. Whole numbers and those in scientific notation may differ by 2 % only, so that counts
    below 50 are the same.
    """
    old, new = (float(text.replace(",", "").replace("\u2212", "-")) for text in (stored, computed))
    decimals = max(len(text.partition(".")[2]) for text in (stored, computed))
    allowed = ABSOLUTE.get(decimals, ABSOLUTE_OTHERWISE)
    if "e" in (stored + computed).lower():
        allowed = 0.0
    return close(old, new, allowed)


def _text_difference(stored: str, computed: str) -> str:
    old, new = (" ".join(text.split()) for text in (stored, computed))
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), -1)
        at = max(0, at - 30) if at >= 0 else min(len(old), len(new))
        return f"{new[at : at + 90]!r}, stored is {old[at : at + 90]!r}"
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    wrong = [f"{b}, stored is {a}" for a, b in pairs if not agree(a, b)]
    return "; ".join(wrong[:5] + [f"and {len(wrong) - 5} more"] * (len(wrong) > 5))


def _figure_difference(stored: str, computed: str) -> str:
    import numpy as np

    old, new = _pixels(stored), _pixels(computed)
    if old.shape != new.shape:  # another layout: labels, legend or panels
        sizes = [f"{a.shape[1]} x {a.shape[0]}" for a in (new, old)]
        return f"a figure of {sizes[0]} pixels, stored is {sizes[1]}"
    rms = float(np.sqrt(np.mean((old - new) ** 2)))
    if rms <= MOST_RMS:
        return ""
    return f"the figures differ by {rms:.1f} RMS of 255; at most {MOST_RMS:g} is allowed"


def _pixels(encoded: str) -> "np.ndarray":
    """RGB (H, W, 3) in [0, 255], what is transparent on white."""
    from base64 import b64decode

    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(b64decode(encoded))).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"), float)


def pytest_configure(config: object) -> None:
    """Let nbval's cells compare their outputs by `differences`, and wait for them."""
    if not config.pluginmanager.has_plugin("nbval"):
        return
    from nbval.plugin import IPyNbCell

    def compare_outputs(self, test, ref, skip_compare=None) -> bool:
        self.comparison_traceback = differences(ref, test)
        return not self.comparison_traceback

    run = IPyNbCell.runtest

    def runtest(self) -> None:
        import zmq

        self.output_timeout = PATIENCE
        # nbval listens when a cell has run. Of what a cell says meanwhile (bars, ten times a
        # second), ZeroMQ keeps a thousand messages and drops the rest, the last word included.
        self.parent.kernel.kc.iopub_channel.socket.setsockopt(zmq.RCVHWM, 0)
        run(self)

    IPyNbCell.compare_outputs = compare_outputs
    IPyNbCell.runtest = runtest
