"""Simulators of the 22 experiment families: plots and question/answer sets with known truth."""
