"""All measures under torchrun: every process gets the tables of one, with few images or none."""

import pickle

import pandas as pd
import pytest
from helpers import every_measure
from helpers.processes import torchrun

from shapebias_utils import results


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "RESULTS", tmp_path_factory.mktemp("alone"))
        return dict(every_measure.tables())


@pytest.mark.parametrize("processes", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_every_process_gets_the_tables_of_one(alone, processes, tmp_path):
    torchrun(processes, every_measure.__file__, tmp_path)
    for rank in range(processes):
        found = pickle.loads((tmp_path / f"rank{rank}.pkl").read_bytes())
        assert list(found) == list(alone)
        for name, table in found.items():
            # To float32's last bits: on some CPUs a gradient of fewer images is summed in another
            # order. Labels, counts and decisions are compared as they are.
            pd.testing.assert_frame_equal(table, alone[name], rtol=1e-6, atol=1e-9, obj=name)
