"""A sheet of real plots from a folder next to ours.

Real plots are only read, and written only into the sheet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from synthetic.families import load_family
from synthetic.sample import Sample
from synthetic.settings import SettingsError
from synthetic.sheet import Tile, sample_tile, write_tiles

HUB_FILES = "test-*.parquet"
ROWS_FILE = "rows.jsonl"
MISSING = "none in the folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPlot:
    """The images of one real sample.

    Attributes:
        scenario: its scenario type.
        images: encoded, in order; a published extract may lack all but the first.
    """

    sample_id: str
    scenario: str
    images: tuple[bytes, ...]


def read_real_plots(folder: Path) -> list[RealPlot]:
    """Read the real samples of a folder, in the order of its rows.

    Two layouts are known: that of the Hub repository (``test-*.parquet``), and ``rows.jsonl``, whose rows
    name their ``image`` relative to the folder.

    Raises:
        SettingsError: neither file exists, or a row lacks an entry.
        OSError: a file cannot be read.
    """
    tables = sorted(folder.glob(HUB_FILES))
    rows_file = folder / ROWS_FILE
    if not tables and not rows_file.is_file():
        raise SettingsError(
            f"{folder}: no real plots; expected {HUB_FILES} of the Hub repository, or {ROWS_FILE}"
        )
    try:
        return [*_hub_plots(tables), *_listed_plots(rows_file)]
    except KeyError as error:
        raise SettingsError(f"{folder}: a row has no {error}") from None


def _hub_plots(tables: Sequence[Path]) -> Iterator[RealPlot]:
    for table in tables:
        for row in pq.read_table(table, columns=["id", "experiment_type", "images"]).to_pylist():
            yield _plot(row, tuple(image["bytes"] for image in row["images"]))


def _listed_plots(rows_file: Path) -> Iterator[RealPlot]:
    if not rows_file.is_file():
        return
    for line in rows_file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield _plot(row, ((rows_file.parent / row["image"]).read_bytes(),))


def _plot(row: dict[str, Any], images: tuple[bytes, ...]) -> RealPlot:
    return RealPlot(sample_id=row["id"], scenario=row["experiment_type"], images=images)


def write_side_by_side(path: Path, real: Sequence[RealPlot], samples: Sequence[Sample]) -> None:
    """Write a PNG with a row per scenario type: the real plots first, then our samples of it.

    Rows are in the order of families and of their scenario types.

    Raises:
        OSError: the file cannot be written.
    """
    ours = _grouped_tiles(samples)
    theirs: dict[str, list[Tile]] = {scenario: [] for scenario in ours}
    for plot in real:
        if plot.scenario in theirs:
            theirs[plot.scenario].append(Tile(caption=f"REAL {plot.sample_id}", images=plot.images))
    width = max(map(len, theirs.values()), default=0)
    rows = [_padded(theirs[scenario], width) + tiles for scenario, tiles in ours.items()]
    columns = max(map(len, rows))
    write_tiles(path, [tile for row in rows for tile in _padded(row, columns)], columns=columns)


def _grouped_tiles(samples: Sequence[Sample]) -> dict[str, list[Tile]]:
    groups: dict[str, list[Tile]] = {}
    for sample in samples:
        groups.setdefault(sample.key.scenario, []).append(sample_tile(sample))
    return groups


def _padded(tiles: Sequence[Tile], width: int) -> list[Tile]:
    blank = Tile(caption=MISSING if not tiles else "", images=())
    return [*tiles, *[blank] * (width - len(tiles))]


def known_plots(real: Sequence[RealPlot], families: Sequence[str]) -> list[RealPlot]:
    """Return the real plots that belong to one of these families."""
    scenarios = {scenario.name for family in families for scenario in load_family(family).scenarios}
    return [plot for plot in real if plot.scenario in scenarios]
