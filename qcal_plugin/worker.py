"""An xdist worker: collects from the prepared dataset, gets outcomes over the channel. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qcal_plugin.channel import ChannelAddress, ChannelClient
from qcal_plugin.options import RunConfig
from qcal_plugin.prepared import open_prepared
from qcal_plugin.running import Runner
from qcal_plugin.selection import select_items
from scoring.questions import Mode


def worker_runner(config: RunConfig, given: Mapping[str, Any]) -> Runner:
    """The worker's runner, from what the controller put into ``workerinput``."""
    dataset = open_prepared(Path(given["dataset"]))
    selection = replace(config.selection, modes=tuple(map(Mode, given["modes"])))
    return Runner(
        config,
        dataset=dataset,
        items=select_items(selection, dataset.samples),
        source=ChannelClient(ChannelAddress.from_json(given["address"])),
        identity=[(name, value) for name, value in given["identity"]],
    )
