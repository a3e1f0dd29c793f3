"""Measures: functions of (network, images) or of their trials, tables in and out; nothing plots."""
