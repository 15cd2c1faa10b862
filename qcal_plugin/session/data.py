"""The data of a run: its dataset, and what its studies need besides."""

from __future__ import annotations

from collections.abc import Collection

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.dataset.prepare import Progress, prepare
from qcal_plugin.mix.prepare import prepare_mix
from qcal_plugin.studies.perturbations import perturbed_name
from qcal_plugin.studies.studied import StudiedDataset
from synthetic.drawing.perturbation import Perturbation


def prepare_studied(
    config: RunConfig,
    *,
    name: str | None = None,
    variants: Collection[str] = (),
    progress: Progress | None = None,
) -> StudiedDataset:
    """Everything a run asks about, checked and ready.

    ``name`` stands in place of the configured dataset, if that is no mix; ``variants`` are those of stored answers,
    which may have been given under perturbations that this command line does not name.

    Raises DatasetError, or ValueError where the dataset cannot be perturbed.
    """
    if config.mix is not None:
        return StudiedDataset(dataset=prepare_mix(config.mix, progress=progress))
    name = name or config.dataset
    wanted = [each for each in Perturbation if each in config.perturbations or each in variants]
    others = {each.value: perturbed_name(name, each) for each in wanted}
    return StudiedDataset(
        dataset=prepare(name, config.dataset_revision, progress=progress),
        perturbed={variant: prepare(other, progress=progress) for variant, other in others.items()},
        seed=config.selection.seed,
    )
