"""Parquet files of the dataset, row by row, once their columns are known to be what they should be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from qcal_plugin.dataset.errors import BadDataError

TEXT = pa.string()
TEXTS = pa.list_(TEXT)
IMAGES = pa.list_(pa.struct({"bytes": pa.binary(), "path": pa.string()}))

_BATCH_ROWS = 8
_BUFFER_BYTES = 1 << 20
"""Of a column at a time. Unbuffered, all images of a row group are in memory at once."""


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

    def images(self, column: str) -> tuple[bytes | None, ...]:
        """The bytes of the cell's images; None for a null among them. A null cell has none."""
        values: list[Any] = self.values[column] or []
        for position, value in enumerate(values):
            if value is not None and value["bytes"] is None and value["path"] is not None:
                raise self.fault(
                    column, f"image {position} has no bytes. A path to a file elsewhere is not followed"
                )
        return tuple(None if value is None else value["bytes"] for value in values)

    def fault(self, column: str, problem: str) -> BadDataError:
        """An error about this cell."""
        return BadDataError(problem, file=self.file, row=self.index, row_id=self.values["id"], column=column)


def read_rows(path: Path, columns: Mapping[str, Any]) -> Iterator[Cells]:
    """The rows of a file that has these columns (name -> `TEXT`, `TEXTS` or `IMAGES`), images undecoded.

    Raises BadDataError. What the file's own metadata say about decoding is not followed.
    """
    schema = pa.schema(columns)
    indices = itertools.count()
    for table in _read_tables(path, schema):
        for values in table.cast(schema).to_pylist():
            yield Cells(path.name, next(indices), values)


def distinct_texts(path: Path, column: str) -> set[str]:
    """The texts that the lists of a column hold; nulls aside. Raises BadDataError."""
    lists = (cells.values[column] for cells in read_rows(path, {column: TEXTS}))
    return {text for texts in lists for text in texts or () if text is not None}


def _read_tables(path: Path, schema: Any) -> Iterator[Any]:  # noqa: ANN401  pyarrow has no types
    """The columns of the schema, a few rows at a time."""
    try:
        # `pre_buffer` would keep all row groups in memory
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
            for column in schema:
                _check_column(path.name, file.schema_arrow, column)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=schema.names):
                _check_text(path.name, batch)
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as error:
        raise BadDataError(
            f"unreadable Parquet ({_first_line(error)}). Get it again", file=path.name
        ) from error


def _check_text(file: str, batch: Any) -> None:  # noqa: ANN401  pyarrow has no types
    for column in batch.schema.names:
        try:
            batch[column].validate(full=True)
        except pa.ArrowException as error:
            raise BadDataError(
                f"damaged ({_first_line(error)}). Get the file again", file=file, column=column
            ) from error


def _check_column(file: str, actual: Any, expected: Any) -> None:  # noqa: ANN401  pyarrow has no types
    column = expected.name
    count = actual.names.count(column)
    if count != 1:
        fault = "the column is there more than once" if count else "missing column"
        raise BadDataError(f"{fault}. Is this the benchmark's file?", file=file, column=column)
    kind = actual.field(column).type
    if not _fits(kind, expected.type):
        raise BadDataError(f"expected {expected.type}, got {kind}", file=file, column=column)


def _fits(actual: Any, expected: Any) -> bool:  # noqa: ANN401  pyarrow has no types
    """Whether the types are equal, but for the width of the offsets of texts and lists."""
    if pa.types.is_list(expected) and (pa.types.is_list(actual) or pa.types.is_large_list(actual)):
        return _fits(actual.value_type, expected.value_type)
    return bool(actual == expected or (pa.types.is_string(expected) and pa.types.is_large_string(actual)))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
