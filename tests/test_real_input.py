"""Notebook 03, end to end, with the README's own network on real stimuli, beside real people."""

import json
import re

import pandas as pd
import pytest

from shapebias_utils.notebooks import find_notebooks, run, values_for
from shapebias_utils.paths import ROOT

REAL = ROOT.parent / "shared" / "data"
WEIGHTS = REAL / "networks" / "squeezenet1_1_caffe.pth"
OBSERVERS = {  # shape bias, shape and texture decisions of the three people of model-vs-human
    "subject-01": (0.961717, 829, 33),
    "subject-02": (0.943809, 907, 54),
    "subject-03": (0.967308, 1006, 34),
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """(text of all outputs, Table 2) of notebook 03 with SqueezeNet on the real stimuli."""
    if not WEIGHTS.exists():
        pytest.skip(f"no real stimuli, people and weights at {REAL}")
    folder = tmp_path_factory.mktemp("real")
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.S)[1]
    example = folder / "squeezenet.py"
    example.write_text(re.sub(r'checkpoint=".*?"', f'checkpoint="{WEIGHTS}"', code))
    (notebook,) = find_notebooks("03")
    given = {"dataset": "imagenet", "own_networks": str(example), "networks": "SqueezeNet"}
    given |= {"stimuli": str(REAL / "cue_conflict"), "observers": str(REAL / "trials")}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RESULTS", "FIGURES"):
            patch.setenv(f"SHAPEBIAS_{name}", str(folder / name.lower()))
        copy, _ = run(notebook, values_for(notebook, given), folder)
    outputs = [o for c in json.loads(copy.read_text())["cells"] for o in c.get("outputs", [])]
    table = pd.read_csv(folder / "figures" / "imagenet" / "03_table2_shape_bias.csv")
    return json.dumps(outputs), table.set_index("network")


def test_counts_conflict_and_excluded_images(executed):
    text, table = executed
    assert "176 images with conflicting cues; 16 without are excluded" in text
    assert table.loc["SqueezeNet", "n"] == 176


def test_people_stand_beside_the_network_with_their_published_shape_bias(executed):
    _, table = executed
    for name, (bias, shape, texture) in OBSERVERS.items():
        row = table.loc[name]
        assert (round(row["shape_bias"], 6), row["shape"], row["texture"]) == (bias, shape, texture)


def test_a_real_standard_network_goes_by_texture(executed):
    _, table = executed
    assert table.loc["SqueezeNet", "high"] < 0.5
