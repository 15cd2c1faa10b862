"""Weighted mixes of datasets (``--mix``)."""
