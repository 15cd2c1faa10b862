"""The data of a run: its dataset, and the other datasets that its studies need."""

from __future__ import annotations

from collections.abc import Collection

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.dataset.part import Part
from qcal_plugin.dataset.prepare import Progress, prepare
from qcal_plugin.mix.prepare import prepare_mix
from qcal_plugin.studies.perturbations import perturbed_name
from qcal_plugin.studies.selection import part_of
from qcal_plugin.studies.studied import StudiedDataset
from synthetic.drawing.perturbation import Perturbation


def prepare_studied(
    config: RunConfig,
    *,
    name: str | None = None,
    variants: Collection[str] = (),
    progress: Progress | None = None,
) -> StudiedDataset:
    """Prepare and check everything that a run asks about.

    ``name`` replaces the configured dataset, unless that is a mix. ``variants`` are those of stored answers,
    which may have perturbations that this command line does not name.

    Raises DatasetError, or ValueError if the dataset cannot be perturbed.
    """
    if config.mix is not None:
        return StudiedDataset(dataset=prepare_mix(config.mix, progress=progress))
    name = name or config.dataset
    wanted = [each for each in Perturbation if each in config.perturbations or each in variants]
    others = {each.value: perturbed_name(name, each) for each in wanted}
    return StudiedDataset(
        dataset=prepare(name, config.dataset_revision, part=_part(config), progress=progress),
        perturbed={variant: prepare(other, progress=progress) for variant, other in others.items()},
        seed=config.selection.seed,
    )


def _part(config: RunConfig) -> Part | None:
    """Return the part that is enough for a new run of a few samples; None for a run that needs the whole dataset.

    A run needs the whole dataset if it continues another, scores stored answers, is compared with another
    run, or names a revision. An embedded model may look at all plots.
    """
    is_new = not (config.resume or config.last_failed or config.answers)
    is_alone = config.gates is None and config.dataset_revision is None and not config.perturbations
    return part_of(config.selection) if is_new and is_alone and config.baseline is None else None
