"""The data of a run: its dataset, and what its studies need besides."""

from __future__ import annotations

from qcal_plugin.dataset import Progress, prepare
from qcal_plugin.mix import prepare_mix
from qcal_plugin.options import RunConfig
from qcal_plugin.studies import StudiedDataset


def prepare_studied(config: RunConfig, *, name: str | None = None, progress: Progress | None = None) -> StudiedDataset:
    """Everything a run asks about, checked and ready; ``name`` in place of the configured dataset, if that is no mix.

    Raises DatasetError.
    """
    if config.mix is not None:
        return StudiedDataset(dataset=prepare_mix(config.mix, progress=progress))
    dataset = prepare(name or config.dataset, config.dataset_revision, progress=progress)
    return StudiedDataset(dataset=dataset, seed=config.selection.seed)
