"""Trials: what a network decides about each image, and trials that others have written."""

import functools
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import distributed, results
from shapebias_utils.attacks import Attack
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures import predictions
from shapebias_utils.measures.predictions import (
    category_probabilities,
    collect,
    decide,
    predict,
    responses,
)
from shapebias_utils.measures.schema import (
    SCHEMA,
    collected,
    read_trials,
    with_cues,
    with_observers,
)
from shapebias_utils.networks import Network
from shapebias_utils.paths import ROOT

HUMANS = ROOT / ".." / "shared" / "data" / "trials"
needs_humans = pytest.mark.skipif(not HUMANS.is_dir(), reason=f"no observers' trials in {HUMANS}")

MAPPING = {category: (i,) for i, category in enumerate(CATEGORIES)}
MAPPING |= {"airplane": (0, 16), "bear": (1,), "bird": (3, 17, 18, 19)}
"""20 classes: two are airplanes, four are birds, one is of each of the others."""


class Tiny(nn.Module):
    """20 classes from the mean colours of the four quarters of an image, by fixed weights."""

    def __init__(self) -> None:
        super().__init__()
        weights = torch.randn(20, 12, generator=torch.Generator().manual_seed(3))
        self.weights = nn.Parameter(3 * weights)

    def forward(self, x):
        return (nn.functional.adaptive_avg_pool2d(x, 2) - 0.5).flatten(1) @ self.weights.T


def tiny(**changes) -> Network:
    facts = {"name": "Tiny", "build": Tiny, "dataset": "pictograms", "n_classes": 20}
    return Network(**facts | {"category_classes": MAPPING} | changes)


def images(n: int = 7, labels: list[int] | None = None) -> ImageSet:
    quarters = torch.rand(n, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    pixels = quarters.repeat_interleave(4, 2).repeat_interleave(4, 3)
    labels = [i % 16 for i in range(n)] if labels is None else labels
    names = [f"cat{i + 1}-dog{i + 1}.png" for i in range(n)]
    categories = [CATEGORIES[label] for label in labels]
    table = pd.DataFrame({"imagename": names, "category": categories, "label": labels})
    return ImageSet("stimuli", table, lambda rows: pixels[list(rows)], "digest")


# --- the decision among 16 categories -------------------------------------------------------------


@pytest.mark.parametrize(
    "decision, airplane, bear, bird, winner",
    [
        ("mean", 0.20, 0.25, 0.11, "bear"),  # (.36 + .04) / 2; .25; (.11 + .11 + .11 + .11) / 4
        ("max", 0.36, 0.25, 0.11, "airplane"),
        ("sum", 0.40, 0.25, 0.44, "bird"),
    ],
)
def test_the_decision_by_hand_where_mean_max_and_sum_differ(decision, airplane, bear, bird, winner):
    classes = np.zeros((1, 20))
    classes[0, [0, 16, 1, 3, 17, 18, 19]] = [0.36, 0.04, 0.25, 0.11, 0.11, 0.11, 0.11]
    scores = category_probabilities(classes, MAPPING, decision)
    assert scores.shape == (1, 16)
    found = dict(zip(CATEGORIES, scores[0], strict=True))
    assert found["airplane"] == pytest.approx(airplane)
    assert found["bear"] == pytest.approx(bear)
    assert found["bird"] == pytest.approx(bird)
    assert max(found, key=found.get) == winner


def test_probabilities_are_not_renormalised_over_the_classes_that_belong_to_a_category():
    mapping = {c: (i,) for i, c in enumerate(CATEGORIES)}  # the classes from 16 on are of none
    classes = np.full((2, 100), 0.01)
    assert np.allclose(category_probabilities(classes, mapping), 0.01)


@pytest.mark.parametrize("decision", ["mean", "max", "sum"])
def test_a_category_without_classes_never_wins_though_all_others_have_nothing(decision):
    classes = np.array([[0.0, 0.0, 1.0]])  # all on a class of no category
    scores = category_probabilities(classes, {"cat": (0,), "dog": (1,)}, decision)[0]
    assert CATEGORIES[scores.argmax()] == "cat" and np.isfinite(scores).sum() == 2
    with pytest.raises(ValueError, match="classes for none of airplane, bear"):
        category_probabilities(classes, {"cat": ()}, decision)


def test_an_unknown_decision_is_refused():
    with pytest.raises(ValueError, match="unknown decision 'median'; choose mean, max, sum"):
        category_probabilities(np.ones((1, 20)), MAPPING, "median")
    with pytest.raises(ValueError, match="unknown decision"):
        predict(tiny(), images(), decision="argmax")


# --- predict --------------------------------------------------------------------------------------


def by_hand(stimuli: ImageSet) -> list[dict]:
    """Image by image, class by class, in float64 and without the package."""
    weights, rows = Tiny().weights.detach().double(), []
    for i, facts in enumerate(stimuli.table.itertuples()):
        quarters = (
            stimuli.load([i])[0].double().reshape(3, 2, 4, 2, 4).mean(dim=(2, 4)).flatten() - 0.5
        )
        logits = [float(sum(w * q for w, q in zip(row, quarters, strict=True))) for row in weights]
        exponentials = [np.exp(v) for v in logits]
        p = [e / sum(exponentials) for e in exponentials]
        best, response = -1.0, ""
        for category in CATEGORIES:
            own = [p[k] for k in MAPPING[category]]
            if sum(own) / len(own) > best:
                best, response = sum(own) / len(own), category
        winner = p.index(max(p))
        rows.append(
            {
                "subj": "Tiny",
                "session": 1,
                "trial": i + 1,
                "object_response": response,
                "category": facts.category,
                "condition": "stimuli",
                "imagename": facts.imagename,
                "label": facts.label,
                "prediction": winner,
                "correct": winner == facts.label,
                "confidence": p[winner],
                "eps": 0.0,
            }
        )
    return rows


def test_predict_agrees_with_a_plain_loop():
    stimuli = images(40)
    expected = pd.DataFrame(by_hand(stimuli))
    found = predict(tiny(), stimuli)
    assert found["rt"].isna().all()
    pd.testing.assert_frame_equal(
        found.drop(columns="rt"), expected, check_dtype=False, atol=2e-6, rtol=0
    )
    assert expected["object_response"].nunique() > 4, "the case distinguishes the categories"
    as_class = expected["prediction"].map(lambda k: next(c for c in MAPPING if k in MAPPING[c]))
    assert (as_class != expected["object_response"]).any(), "mean and top-1 class differ somewhere"


def test_the_columns_are_those_of_model_vs_human_first_and_in_order():
    columns = list(predict(tiny(), images(2)).columns)
    assert SCHEMA == tuple(
        "subj session trial rt object_response category condition imagename".split()
    )
    assert columns[:8] == list(SCHEMA)
    assert columns[8:] == ["label", "prediction", "correct", "confidence", "eps"]


ATTACK = Attack(eps=0.5, step_size=0.2, steps=3)


@pytest.fixture
def fp32(monkeypatch):
    """Attacks in full precision: bfloat16 rounds otherwise in batches of another size."""
    monkeypatch.setattr("shapebias_utils.hardware.fast_bf16", lambda where: False)


@pytest.mark.parametrize("attack", [None, ATTACK])
@pytest.mark.parametrize("batch_size", [1, 3, 7, 1000])
def test_the_batch_size_does_not_matter(batch_size, attack, fp32):
    one, other = (predict(tiny(), images(), attack=attack, batch_size=b) for b in (5, batch_size))
    pd.testing.assert_frame_equal(one, other, atol=2e-6, rtol=0)


def test_in_bfloat16_the_batch_size_matters_by_its_rounding_only(monkeypatch):
    monkeypatch.setattr("shapebias_utils.hardware.fast_bf16", lambda where: True)
    one, other = (predict(tiny(), images(), attack=ATTACK, batch_size=b) for b in (5, 1))
    pd.testing.assert_frame_equal(one, other, atol=2e-3, rtol=0)


@pytest.mark.parametrize("attack", [None, ATTACK])
def test_the_order_of_the_images_does_not_matter(attack, fp32):
    stimuli, order = images(), [4, 0, 6, 2, 5, 1, 3]
    shuffled = predict(tiny(), stimuli.subset(order, "stimuli"), attack=attack)
    straight = predict(tiny(), stimuli, attack=attack).iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        shuffled.drop(columns="trial"), straight.drop(columns="trial"), atol=2e-6, rtol=0
    )


class Convolutions(nn.Sequential):
    """Kernels of convolutions round differently in batches of another size."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 20))
        super().__init__(nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 24, 3), nn.ReLU(), *head)


@pytest.mark.parametrize("attack", [None, ATTACK])
@pytest.mark.parametrize("world", [2, 3, 9])
@pytest.mark.parametrize("build", [Tiny, Convolutions])
def test_the_table_is_identical_whatever_the_number_of_processes(build, world, attack, monkeypatch):
    stimuli = images(7)
    alone = predict(tiny(build=build), stimuli, attack=attack, batch_size=4)
    monkeypatch.setattr(results, "merge", lambda table, by: table)
    monkeypatch.setenv("WORLD_SIZE", str(world))
    shards = []
    for rank in range(world):
        monkeypatch.setenv("RANK", str(rank))
        assert distributed.rank() == rank
        shards.append(predict(tiny(build=build), stimuli, attack=attack, batch_size=4))
    assert sum(map(len, shards)) == 7
    merged = pd.concat([s for s in shards if len(s)]).sort_values("trial").reset_index(drop=True)
    pd.testing.assert_frame_equal(merged, alone, check_exact=True)


def test_no_images_give_no_trials():
    table = predict(tiny(), images(0))
    assert len(table) == 0 and list(table.columns[:8]) == list(SCHEMA)


def test_an_attack_is_recorded_and_makes_the_label_less_likely():
    stimuli = images(16)
    clean, attacked = predict(tiny(), stimuli), predict(tiny(), stimuli, attack=ATTACK)
    assert set(clean["eps"]) == {0.0} and set(attacked["eps"]) == {0.5}
    # With the label as the prediction, an adversary can only lower the confidence in it.
    labels = clean["prediction"].tolist()
    right = ImageSet("right", stimuli.table.assign(label=labels), stimuli.load, "digest")
    attacked = predict(tiny(), right, attack=ATTACK)
    still = attacked["correct"]
    before = predict(tiny(), right)
    assert before["correct"].all() and not still.all()
    assert (attacked["confidence"] < before["confidence"])[still].all()


def test_an_attack_of_eps_0_is_no_attack():
    none, zero = predict(tiny(), images()), predict(tiny(), images(), attack=Attack(eps=0.0))
    pd.testing.assert_frame_equal(none, zero, check_exact=True)


def test_images_without_a_label_cannot_be_attacked():
    unlabelled = images(3, [0, 2, 5])
    unlabelled.table.loc[1, "label"] = -1
    with pytest.raises(ValueError, match="stimuli has images without a label"):
        predict(tiny(), unlabelled, attack=ATTACK)
    assert not predict(tiny(), unlabelled)["correct"].iloc[1], "no class has the number -1"


def test_decide_shows_the_scores_behind_the_decision():
    stimuli = images(5)
    table = decide([tiny(), tiny(name="Other", build=Convolutions)], stimuli, 3)
    assert list(table.columns) == ["network", "category", "probability"]
    assert table["network"].tolist() == ["Tiny"] * 16 + ["Other"] * 16
    assert table["category"].tolist() == list(CATEGORIES) * 2
    best = table.iloc[:16].loc[table.iloc[:16]["probability"].idxmax(), "category"]
    assert best == predict(tiny(), stimuli)["object_response"].iloc[3]
    with pytest.raises(ValueError, match="no networks are given"):
        decide([], stimuli, 3)


def test_what_another_process_computes_just_now_comes_last(tmp_path, monkeypatch):
    """So two notebooks that want the same tables share the work."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    held, release, began = threading.Event(), threading.Event(), []

    def another() -> None:
        with results.locked(results.entry(responses, tiny(), images())[0]):
            held.set()
            release.wait(60)

    @functools.wraps(responses)
    def noted(network, *args, **given):
        began.append(network.name)
        release.set()
        return responses(network, *args, **given)

    monkeypatch.setattr(predictions, "responses", noted)
    threading.Thread(target=another, daemon=True).start()
    assert held.wait(60)
    table = collect([tiny(), tiny(name="Other")], images())
    assert began == ["Other", "Tiny"]
    assert list(dict.fromkeys(table["network"])) == ["Tiny", "Other"]


def test_any_measure_is_collected_network_by_network(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    table = collected(predict, [tiny(), tiny(name="Other")], images(3))
    assert table["network"].to_dict() == dict(enumerate([tiny().name] * 3 + ["Other"] * 3))
    assert list(table.columns[:4]) == ["network", "architecture", "training", "seed"]
    with pytest.raises(ValueError, match="no networks are given"):
        collected(predict, [], images(3))


def test_collect_stacks_networks_and_attacks_and_keeps_them_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("shapebias_utils.results.RESULTS", tmp_path)
    own = [tiny(name="S", architecture="Tiny"), tiny(name="R", training="robust", seed=2)]
    table = collect(own, images(3), (None, ATTACK), decision="max")
    assert list(table["network"]) == ["S"] * 6 + ["R"] * 6
    assert list(table["eps"]) == ([0.0] * 3 + [0.5] * 3) * 2
    assert list(table["seed"]) == [0] * 6 + [2] * 6
    assert list(table["training"].iloc[[0, -1]]) == ["standard", "robust"]
    assert len(list(tmp_path.rglob("*.csv"))) == 4
    monkeypatch.setattr(predictions, "_probabilities", None)  # what is on disk is not computed
    pd.testing.assert_frame_equal(collect(own, images(3), (None, ATTACK), decision="max"), table)
    with pytest.raises(ValueError, match="no networks are given"):
        collect([], images(3))


# --- trials that others have written --------------------------------------------------------------

HEADER = ",".join(SCHEMA)


def file(folder: Path, text: str, name: str = "trials.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@needs_humans
def test_the_human_observers_are_read_as_they_are():
    trials = read_trials(HUMANS)
    assert trials.groupby("network").size().to_dict() == {
        "subject-01": 1280,
        "subject-02": 1280,
        "subject-03": 1280,
    }
    assert set(trials["architecture"]) == set(trials["training"]) == {"human"}
    assert list(trials.columns[:8]) == list(SCHEMA)
    assert set(trials["object_response"]) - set(CATEGORIES) == {"na"}
    one = read_trials(HUMANS / "cue-conflict_subject-02_session_1.csv")
    assert set(one["network"]) == {"subject-02"}
    line = (HUMANS / "cue-conflict_subject-02_session_1.csv").read_text().splitlines()[1]
    assert line.split(",")[4] == one["object_response"].iloc[0]


def test_a_network_of_model_vs_human_with_a_header_in_another_case(tmp_path):
    text = f"{HEADER.title()}\nresnet50,1,1,NaN,na,cat,0,x_cat4-dog2.png\n"
    (row,) = read_trials(file(tmp_path, text)).to_dict("records")
    assert row["object_response"] == "na", "no answer in time, which is not a missing value"
    assert np.isnan(row["rt"]) and row["trial"] == 1 and row["seed"] == 0
    assert (row["network"], row["architecture"], row["training"]) == ("resnet50", "other", "other")


def test_other_columns_come_behind(tmp_path):
    text = f"extra,{HEADER}\n7,a,1,1,0.5,cat,cat,0,cat1-dog1.png\n"
    table = read_trials(file(tmp_path, text))
    assert list(table.columns) == [*SCHEMA, "extra", "network", "architecture", "training", "seed"]


def test_our_own_trials_are_read_back_as_they_were_written(tmp_path):
    table = predict(tiny(), images(5))
    table.to_csv(tmp_path / "ours.csv", index=False)
    back = read_trials(tmp_path / "ours.csv")
    pd.testing.assert_frame_equal(back[list(table.columns)], table)
    labelled = table.assign(network="Tiny", architecture="T", training="robust", seed=4)
    labelled.to_csv(tmp_path / "ours.csv", index=False)
    pd.testing.assert_frame_equal(read_trials(tmp_path / "ours.csv"), labelled)


def test_a_folder_is_all_its_files(tmp_path):
    for name in "ba":
        file(tmp_path, f"{HEADER}\n{name},1,1,,cat,cat,0,cat1-dog1.png\n", f"{name}.csv")
    file(tmp_path, "not trials", "README.md")
    assert read_trials(tmp_path)["subj"].to_dict() == {0: "a", 1: "b"}
    one, other = read_trials(tmp_path / "a.csv"), tmp_path / "b.csv"
    assert with_observers(one, other)["subj"].tolist() == ["a", "b"]
    assert len(with_observers(one, "")) == 1
    with pytest.raises(ValueError, match=f"{tmp_path} has trials of a, as there are already"):
        with_observers(one, tmp_path)


def observer(subj, session, response, n=3) -> str:
    """A file of so many trials of an observer."""
    rows = [f"{subj},{session},{i},,{response},cat,0,cat{i}-dog1.png" for i in range(1, n + 1)]
    return "\n".join([HEADER, *rows, ""])


def test_observers_of_one_name_in_two_files_are_kept_apart(tmp_path):
    file(tmp_path, observer("subject-01", 1, "cat"), "lab.csv")
    file(
        tmp_path,
        observer("subject-01", 1, "dog") + observer("subject-02", 1, "dog")[len(HEADER) + 1 :],
        "online.csv",
    )
    table = read_trials(tmp_path)
    assert table.groupby("network")["object_response"].agg(["first", "size"]).T.to_dict("list") == {
        "subject-01 (lab)": ["cat", 3],
        "subject-01 (online)": ["dog", 3],
        "subject-02": ["dog", 3],
    }
    assert set(table["subj"]) == {"subject-01", "subject-02"} and set(table["training"]) == {
        "human"
    }


def test_sessions_of_an_observer_in_files_of_their_own_are_one_observers(tmp_path):
    for session in (1, 2):
        file(tmp_path, observer("subject-01", session, "cat"), f"session_{session}.csv")
    assert read_trials(tmp_path).groupby("network").size().to_dict() == {"subject-01": 6}


def test_the_same_file_twice_is_refused(tmp_path):
    for name in ("one.csv", "two.csv"):
        file(tmp_path, observer("subject-01", 1, "cat"), name)
    with pytest.raises(ValueError, match="two.csv is a copy of .*one.csv: remove one of the two"):
        read_trials(tmp_path)


@pytest.mark.parametrize(
    "contents, error, message",
    [
        (None, FileNotFoundError, "no trials at .*trials.csv: name a CSV file"),
        ("subj,session,trial,rt,category,condition\n", ValueError,
         "trials.csv lacks the columns object_response, imagename; trials have subj, "),
        (HEADER.replace(",category", "") + "\n", ValueError,
         "trials.csv lacks the column category;"),
        ("", ValueError, "trials.csv is not a CSV file of trials"),
        ("\x89PNG\r\n\x1a\n\0\0\xff\xfe\0", ValueError, "trials.csv (lacks|is not)"),
        (f"{HEADER}\na,b\n1,2,3,4,5,6,7,8,9,10,11\n", ValueError, "is not a CSV file of trials"),
        (f"{HEADER},SUBJ\na,1,1,,cat,cat,0,cat1-dog1.png,b\n", ValueError,
         "trials.csv has the column subj twice"),
        (f"{HEADER}\n", ValueError, "trials.csv has a header and no trials"),
        (f"{HEADER}\na,1,1,,cat,cat,0,cat1-dog1.png\na,1,2,,,cat,0,cat2-dog1.png\n", ValueError,
         "trials.csv, line 3: object_response is missing or damaged"),
        (f"{HEADER}\na,1,1,,NaN,cat,0,cat1-dog1.png\n", ValueError,
         "trials.csv, line 2: object_response is missing"),
        (f"{HEADER}\na,1,1,,cat,cat,0,cat1\0-dog1.png\n", ValueError, "trials.csv"),
        (f"{HEADER}\n" + "a,1,1,,cat,cat,0,cat1-dog1.png\n" * 2, ValueError,
         "trials.csv has cat1-dog1.png twice for a, session 1: give each session its number"),
    ],
)  # fmt: skip
def test_files_that_are_no_trials_are_named(tmp_path, contents, error, message):
    path = tmp_path / "trials.csv"
    if contents is not None:
        path.write_bytes(contents.encode("latin-1"))
    with pytest.raises(error, match=message) as raised:
        read_trials(path)
    assert "\n" not in str(raised.value).strip()


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no trials at {tmp_path}.*, or a folder of them"):
        read_trials(tmp_path)


# --- the cues in a name ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, response, expected",
    [
        ("cat4-dog2.png", "cat", ("cat", "dog", "shape")),
        ("cat4-dog2.png", "dog", ("cat", "dog", "texture")),
        ("cat4-dog2.png", "oven", ("cat", "dog", "other")),
        ("cat4-dog2.png", "na", ("cat", "dog", "other")),
        ("0001_s5n_s01_0_bird_00_bird3-clock12.jpeg", "bird", ("bird", "clock", "shape")),
        ("cat4-cat2.png", "cat", None),
    ],
)
def test_the_cues_of_an_image_are_in_its_name(name, response, expected):
    table = with_cues(pd.DataFrame({"imagename": [name], "object_response": [response]}))
    found = [tuple(row) for row in table[["shape", "texture", "decided"]].to_numpy()]
    assert found == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    "name", ["cat.png", "cat4-dog.png", "cat4-wolf2.png", "wolf4-cat2.png", "cat4_dog2.png", 12]
)
def test_a_name_that_does_not_parse_is_named(name):
    table = pd.DataFrame({"imagename": ["cat4-dog2.png"], "object_response": ["cat"]})
    table = pd.concat([table, table.assign(imagename=name)])
    with pytest.raises(
        ValueError, match=f"{name}'? does not name two cues; expected is a name like"
    ):
        with_cues(table)
