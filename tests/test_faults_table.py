"""The counts of the harness are kept, and the site shows them."""

import pandas as pd
from helpers.faults import COLUMNS, TABLE

FAULTS = ("killed at random", "killed at each write")


def test_the_table_has_the_trials_and_no_failures():
    table = pd.read_csv(TABLE)
    assert table.columns.tolist() == COLUMNS and not table.duplicated(["fault", "of"]).any()
    assert (table["trials"] > 0).all() and (table["failures"] == 0).all()
    assert set(FAULTS) <= set(table["fault"])
    assert table.loc[table["fault"] == "killed at random", "trials"].sum() >= 200


def test_the_page_shows_it():
    assert f":file: {TABLE.name}" in TABLE.with_suffix(".md").read_text()
    assert all(fault in TABLE.with_suffix(".md").read_text() for fault in FAULTS)
