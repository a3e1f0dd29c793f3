"""The README's own network, end to end, on real stimuli and photographs, beside real people."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.published import cached_as, randomised
from PIL import Image
from torchvision.models import squeezenet1_1

from shapebias_utils import networks, results
from shapebias_utils.categories import IMAGENET_CLASSES
from shapebias_utils.cli import main
from shapebias_utils.datasets import get_dataset
from shapebias_utils.datasets.broden_export import export_broden
from shapebias_utils.measures import schema
from shapebias_utils.measures.shape_bias import shape_bias
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
def folder(tmp_path_factory):
    """A folder with ``squeezenet.py``, the README's example, and `raw`, the data as they belong."""
    if not WEIGHTS.exists():
        pytest.skip(f"no real stimuli, people and weights at {REAL}")
    folder = tmp_path_factory.mktemp("real")
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.S)[1]
    example = re.sub(r'checkpoint=".*?"', f'checkpoint="{WEIGHTS}"', code)
    (folder / "squeezenet.py").write_text(example)
    (folder / "raw" / "imagenet").mkdir(parents=True)
    (folder / "raw" / "imagenet" / "val").symlink_to(REAL / "imagenet_samples")
    (folder / "raw" / "cue_conflict").symlink_to(REAL / "cue_conflict")
    labels = pd.read_csv(REAL / "imagenet_samples" / "labels.csv")
    labels = labels.rename(columns={"filename": "imagename", "imagenet_index": "label"})
    labels.to_csv(folder / "raw" / "imagenet" / "val_labels.csv", index=False)
    return folder


def outputs_of(folder, number, **given) -> list[dict]:
    """The outputs of the notebook of that number with SqueezeNet alone, or other `networks`; all is
    kept in `folder`."""
    (notebook,) = find_notebooks(number)
    example = str(folder / "squeezenet.py")
    given = {"dataset": "imagenet", "own_networks": example, "networks": "SqueezeNet"} | given
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RAW", "RESULTS", "FIGURES", "CHECKPOINTS"):
            patch.setenv(f"SHAPEBIAS_{name}", str(folder / name.lower()))
        copy, _ = run(notebook, values_for(notebook, given), folder)
    cells = json.loads(copy.read_text())["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


@pytest.fixture(scope="module")
def executed(folder):
    """(text of all outputs, Table 2) of notebook 03 with SqueezeNet on the real stimuli."""
    observers = {"stimuli": str(REAL / "cue_conflict"), "observers": str(REAL / "trials")}
    outputs = outputs_of(folder, "03", **observers)
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


def by_hand(stimuli=REAL / "cue_conflict") -> dict[str, int]:
    """SqueezeNet's decisions on the conflict stimuli by plain torch and Pillow."""
    network = squeezenet1_1()
    network.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    network.eval()
    paths = sorted(stimuli.glob("*/*.png"))
    rgb = torch.from_numpy(np.stack([Image.open(path).convert("RGB") for path in paths]))
    bgr = (rgb.flip(3) - torch.tensor([104.0, 117.0, 123.0])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        said = torch.cat([network(some).softmax(1) for some in bgr.split(32)])
    found = {"shape": 0, "texture": 0, "other": 0}
    for path, classes in zip(paths, said, strict=True):
        shape, texture = re.fullmatch(r"(\D+)\d+-(\D+)\d+", path.stem).groups()
        means = {name: classes[list(own)].mean() for name, own in IMAGENET_CLASSES.items()}
        decision = max(means, key=means.get)
        kind = {texture: "texture", shape: "shape"}.get(decision, "other")
        found[kind] += shape != texture
    return found


def test_a_real_standard_network_goes_by_texture_as_by_hand(executed):
    text, table = executed
    row, found = table.loc["SqueezeNet"], by_hand()
    assert row["high"] < 0.5 and sum(found.values()) == row["n"]
    # One image in a hundred may lie so near a tie that kernels of batches decide it otherwise.
    assert abs(row["shape"] - found["shape"]) <= 1 and abs(row["texture"] - found["texture"]) <= 1
    assert row["shape_bias"] == pytest.approx(0.313, abs=0.015)
    assert "resized" not in text, "it takes the stimuli as they are"


def some_concepts(folder):
    """The folder, with a few pictograms and their concepts in Broden's form."""
    if not folder.exists():
        concepts = get_dataset("pictograms").concepts("").subset(range(24), "few")
        export_broden(concepts, folder)
    return folder


def some_stimuli(folder):
    """The folder, with four stimuli of each of three shapes."""
    for shape in ("cat", "elephant", "truck"):
        (folder / shape).mkdir(parents=True)
        for path in sorted((REAL / "cue_conflict" / shape).glob("*.png"))[:4]:
            (folder / shape / path.name).symlink_to(path)
    return folder


def test_one_line_says_a_shape_bias_and_keeps_trials_of_model_vs_human(folder, capsys, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", folder / "results")
    monkeypatch.setattr(networks, "_OWN", dict(networks._OWN))
    stimuli, out = some_stimuli(folder / "few stimuli"), folder / "trials"
    options = ["--own-networks", str(folder / "squeezenet.py"), "--out", str(out)]
    with pytest.raises(SystemExit) as ended:
        main(["bias", "SqueezeNet", "--stimuli", str(stimuli), *options])
    header, row, *files = capsys.readouterr().out.splitlines()
    found = by_hand(stimuli)
    assert ended.value.code == 0 and header.startswith("network     shape bias  95 % interval")
    counts = [sum(found.values()), *found.values()]
    assert row.split()[-5:] == [*map(str, counts), "native"]
    assert len(files) == 1 and files[0].endswith("cue-conflict_SqueezeNet_session_1.csv")
    trials = schema.read_trials(out)
    assert list(pd.read_csv(out / "cue-conflict_SqueezeNet_session_1.csv"))[:8] == [*schema.SCHEMA]
    assert set(trials["stimuli_transform"]) == {"native"} and len(trials) == 12
    bias = shape_bias(trials)
    assert bias[["shape", "texture"]].iloc[0].tolist() == [found["shape"], found["texture"]]


@pytest.mark.slow
@pytest.mark.parametrize("number", ["00", "02", "04", "05", "06", "07"])
def test_a_network_alone_runs_through_the_notebooks_and_is_told_what_is_missing(folder, number):
    given = {}
    if number in ("06", "07"):
        given["concepts"] = str(some_concepts(folder / "concepts"))
    if number == "07":
        given["stimuli"] = str(some_stimuli(folder / "stimuli"))
    outputs = outputs_of(folder, number, **given)
    said = "\n".join("".join(o.get("data", {}).get("text/markdown", "")) for o in outputs)
    assert not re.search(r"\b(nan|inf)\b", said)
    if number == "04":
        for title, command in {"Stylized": "adain_encoder", "Silhouette": "maskrcnn"}.items():
            assert re.search(rf"\*{title}\* is left out: .*`shapebias fetch {command}`", said)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05", "06", "07", "09"])
def test_a_published_vit_runs_through_the_notebooks(folder, number, monkeypatch):
    timm = pytest.importorskip("timm", reason="the extra [timm] is not installed")
    from safetensors.torch import save_file

    spec, cache = "test_vit.r160_in1k", folder / "cache"
    weights = randomised(timm.create_model(spec)).state_dict()
    save_file(weights, cached_as(cache, f"timm/{spec}") / "model.safetensors")
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    given = {"networks": f"timm:{spec}"}
    if number in ("06", "07"):
        given["concepts"] = str(some_concepts(folder / "concepts"))
    if number == "03":
        given["stimuli_transform"] = "preset"
    if number in ("03", "07"):
        given["stimuli"] = str(some_stimuli(folder / f"stimuli for {number}"))
    outputs = outputs_of(folder, number, **given)  # an error would have been raised
    alone = number == "02"  # which shows pairs
    assert outputs and ("timm:test_vit" in json.dumps(outputs) or alone)
