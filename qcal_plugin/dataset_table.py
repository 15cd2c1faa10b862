"""Parquet files of the dataset, row by row, once their columns are known to be what they should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.table import table_cast

from qcal_plugin.dataset_errors import BadDataError

TEXT = datasets.Value("string")
TEXTS = datasets.List(TEXT)
IMAGES = datasets.List(datasets.Image(decode=False))


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of a file. Its columns have the right types; nulls are found as a cell is read. Rows count from 0."""

    file: str
    index: int
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """The cell's text, which may be empty."""
        value: str | None = self.values[column]
        if value is None:
            raise self.fault(column, "null. It has to be a text")
        return value

    def name(self, column: str) -> str:
        """The cell's text, which must say something."""
        value = self.text(column)
        if not value.strip():
            raise self.fault(column, "empty. It has to name something")
        return value

    def texts(self, column: str) -> tuple[str, ...]:
        """The cell's list of texts, which may be empty."""
        values: list[Any] | None = self.values[column]
        if values is None or None in values:
            raise self.fault(column, "null. It has to be a list of texts")
        return tuple(values)

    def images(self, column: str) -> tuple[bytes, ...]:
        """The bytes of the cell's images, at least one."""
        values: list[Any] = self.values[column] or []
        if not values:
            raise self.fault(column, "no image. Each sample has at least one")
        for position, value in enumerate(values):
            if value is None or value["bytes"] is None:
                raise self.fault(column, f"image {position} has no bytes. A path to a file elsewhere is not followed")
        return tuple(value["bytes"] for value in values)

    def fault(self, column: str, problem: str) -> BadDataError:
        """An error about this cell."""
        return BadDataError(problem, file=self.file, row=self.index, row_id=self.values["id"], column=column)


def read_rows(path: Path, columns: Mapping[str, Any]) -> Iterator[Cells]:
    """The rows of a file that has these columns (name -> `TEXT`, `TEXTS` or `IMAGES`), images undecoded.

    Raises BadDataError.
    """
    table = _read_table(path, columns)
    for index, values in enumerate(datasets.Dataset(table_cast(table, datasets.Features(columns).arrow_schema))):
        yield Cells(path.name, index, values)


def _read_table(path: Path, columns: Mapping[str, Any]) -> Any:  # noqa: ANN401  pyarrow has no types
    """The columns, without the file's own metadata: what a file says about decoding is not followed."""
    try:
        with pq.ParquetFile(path) as file:
            for column, feature in columns.items():
                _check_column(path.name, file.schema_arrow, column, feature)
            table = file.read(columns=list(columns)).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise BadDataError(f"unreadable Parquet ({_first_line(error)}). Get it again", file=path.name) from error
    for column in columns:
        try:
            table[column].validate(full=True)
        except pa.ArrowException as error:
            problem = _first_line(error).rpartition("Invalid: ")[2]
            raise BadDataError(f"damaged ({problem}). Get the file again", file=path.name, column=column) from error
    return table


def _check_column(file: str, schema: Any, column: str, feature: Any) -> None:  # noqa: ANN401  pyarrow has no types
    count = schema.names.count(column)
    if count != 1:
        fault = "the column is there more than once" if count else "missing column"
        raise BadDataError(f"{fault}. Is this the benchmark's file?", file=file, column=column)
    found, expected = schema.field(column).type, datasets.Features({"": feature}).type.field("").type
    if not _fits(found, expected):
        raise BadDataError(f"expected {expected}, got {found}", file=file, column=column)


def _fits(found: Any, expected: Any) -> bool:  # noqa: ANN401  pyarrow has no types
    """Whether the types are equal, but for the width of the offsets of texts and lists."""
    if pa.types.is_list(expected) and (pa.types.is_list(found) or pa.types.is_large_list(found)):
        return _fits(found.value_type, expected.value_type)
    return bool(found == expected or (pa.types.is_string(expected) and pa.types.is_large_string(found)))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
