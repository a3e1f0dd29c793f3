"""The criticism of the cue-conflict measure since the paper, an experiment a file."""
