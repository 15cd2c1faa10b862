"""``--perturb``: the same samples drawn otherwise, to see whether scores move that should not. Imports nothing heavy.

Unlike a control (`qcal_plugin.studies.controls`) a perturbation makes a dataset of its own: all pictures, also those
of demonstrations, are redrawn, and what Q1 says of them follows.
"""

from __future__ import annotations

from dataclasses import replace

from qcal_plugin.studies.selection import parse_members
from scoring.errors import BadValueError
from synthetic.drawing.perturbation import Perturbation
from synthetic.settings import PREFIX, parse_dataset_name


def parse_perturbations(text: str, dataset: str | None) -> tuple[Perturbation, ...]:
    """``colormap,jpeg`` (any case), each once, of a dataset if it is known yet.

    Raises BadValueError for an unknown perturbation, and for a dataset that cannot be perturbed.
    """
    chosen = parse_members(Perturbation, text)
    if dataset is not None:
        for perturbation in chosen:
            perturbed_name(dataset, perturbation)
    return chosen


def perturbed_name(dataset: str, perturbation: Perturbation) -> str:
    """The name of the dataset as this perturbation draws it.

    Raises BadValueError where it cannot: the pictures are given, or drawn otherwise already.
    """
    if not dataset.startswith(f"{PREFIX}:"):
        raise BadValueError(
            f"only synthetic plots can be drawn anew, and {dataset} is not: "
            "add --dataset synthetic:seed=7,per-scenario=3, or --demo"
        )
    settings = parse_dataset_name(dataset)
    if settings.perturb is not None:
        raise BadValueError(
            f"{dataset} is perturbed already: leave perturb={settings.perturb} out of --dataset"
        )
    return str(replace(settings, perturb=perturbation))
