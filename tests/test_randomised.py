"""Networks whose weights were drawn anew: chance for what is said of saliency."""

import torch

from shapebias_utils.networks import get_network
from shapebias_utils.networks.randomised import randomised

TRAINED = get_network("AlexNet-R", "pictograms")


def test_all_weights_are_others_than_those_of_the_trained_network():
    record = randomised(TRAINED)
    assert (record.name, record.training) == ("AlexNet-randomised", "randomised")
    ours, theirs = record.load().state_dict(), TRAINED.load().state_dict()
    assert list(ours) == list(theirs)
    weights = [k for k in ours if k.endswith("weight") and ours[k].ndim > 1]
    assert len(weights) == 6
    for key in weights:
        assert (
            abs(float(torch.corrcoef(torch.stack([ours[key].ravel(), theirs[key].ravel()]))[0, 1]))
            < 0.15
        )
    assert all(float(v.abs().max()) == 0 for k, v in ours.items() if k.endswith("running_mean"))


def test_they_are_drawn_from_the_seed_and_nothing_else_is():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, two = (randomised(TRAINED).build().conv1[0].weight for _ in range(2))
    assert torch.equal(one, two)
    other = randomised(get_network("AlexNet-R", "pictograms", seed=1)).build().conv1[0].weight
    assert not torch.equal(one, other)
    randomised(TRAINED).checkpoint_hash()
    torch.manual_seed(5)
    assert torch.equal(before, torch.random.get_rng_state())


def test_results_of_one_seed_are_not_taken_for_anothers():
    hashes = {randomised(get_network("AlexNet", "pictograms", s)).checkpoint_hash() for s in (0, 1)}
    assert len(hashes | {get_network("AlexNet", "pictograms").checkpoint_hash()}) == 3
