"""Simulators of the 22 experiment families: plots with questions and answers of known truth."""
