"""``--perturb``: ask about the same samples drawn in another style, which should not change scores.

Unlike a control (`qcal_plugin.studies.controls`), a perturbation makes another dataset: all pictures are
redrawn, including those of demonstrations, and the answers to Q1 follow. Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import replace

from qcal_plugin.studies.selection import parse_members
from scoring.errors import BadValueError
from synthetic.drawing.perturbation import Perturbation
from synthetic.settings import PREFIX, parse_dataset_name


def parse_perturbations(text: str, dataset: str | None) -> tuple[Perturbation, ...]:
    """Read ``colormap,jpeg`` (any case), each once, and check them against the dataset, if that is known yet.

    Raises BadValueError for an unknown perturbation, and for a dataset that cannot be perturbed.
    """
    chosen = parse_members(Perturbation, text)
    if dataset is not None:
        for perturbation in chosen:
            perturbed_name(dataset, perturbation)
    return chosen


def perturbed_name(dataset: str, perturbation: Perturbation) -> str:
    """Return the name of the dataset under this perturbation.

    Raises BadValueError for a dataset that is not synthetic, or is perturbed already.
    """
    if not dataset.startswith(f"{PREFIX}:"):
        raise BadValueError(
            f"only synthetic plots can be redrawn, and {dataset} is not: "
            "add --dataset synthetic:seed=7,per-scenario=3, or --demo"
        )
    settings = parse_dataset_name(dataset)
    if settings.perturb is not None:
        raise BadValueError(
            f"{dataset} is perturbed already: leave perturb={settings.perturb} out of --dataset"
        )
    return str(replace(settings, perturb=perturbation))
