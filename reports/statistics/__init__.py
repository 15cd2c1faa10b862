"""Averages, intervals, paired differences and corrections for many tests."""
