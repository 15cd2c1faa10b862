"""An xdist worker: collects from the prepared dataset, gets outcomes over the channel. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.studies.selection import select_items
from qcal_plugin.studies.studied import open_studied
from qcal_plugin.worker.channel import ChannelAddress, ChannelClient, planned_from_json
from qcal_plugin.worker.runner import Runner


def worker_runner(config: RunConfig, given: Mapping[str, Any]) -> Runner:
    """The worker's runner, from what the controller put into ``workerinput``: the items too, if answers are stored."""
    dataset = open_studied(given["dataset"], given["perturbed"], given["seed"])
    items = given["items"]
    return Runner(
        config,
        dataset=dataset,
        items=select_items(config.selection, dataset) if items is None else tuple(map(planned_from_json, items)),
        source=ChannelClient(ChannelAddress.from_json(given["address"])),
        identity=[(name, value) for name, value in given["identity"]],
    )
