"""The runner of an xdist worker: it collects from the prepared dataset and gets outcomes over the channel.

Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.studies.selection import select_items
from qcal_plugin.studies.studied import StudiedPlace, open_studied
from qcal_plugin.worker.channel import ChannelAddress, ChannelClient
from qcal_plugin.worker.runner import Runner
from reports.records.records import PlannedItem
from reports.records.typed_json import decode, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInput:
    """The controller's entry in ``workerinput``.

    Attributes:
        items: the items to collect; None for those that the options select from the dataset.
        identity: user properties of every test.
    """

    address: ChannelAddress
    studied: StudiedPlace
    items: tuple[PlannedItem, ...] | None
    identity: tuple[tuple[str, str], ...]

    def to_json(self) -> str:
        """Return it as text, which passes between processes."""
        return encode(self).decode()


def worker_runner(config: RunConfig, text: str) -> Runner:
    """Return the worker's runner, made from the `WorkerInput` that the controller sent as text."""
    given = decode(text, WorkerInput)
    dataset = open_studied(given.studied)
    return Runner(
        config,
        dataset=dataset,
        items=select_items(config.selection, dataset) if given.items is None else given.items,
        source=ChannelClient(given.address),
        identity=given.identity,
    )
