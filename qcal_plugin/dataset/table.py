"""Reads the dataset's Parquet files row by row, after checking the types of their columns."""

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
"""How much of a column is read at a time.

Without a buffer, all images of a row group are in memory at once.
"""


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of a file, counted from 0.

    Its columns have the right types; reading a null cell raises BadDataError.
    """

    file: str
    index: int
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """Return the cell's text, which may be empty."""
        value: str | None = self.values[column]
        if value is None:
            raise self.fault(column, "is null; expected a string")
        return value

    def name(self, column: str) -> str:
        """Return the cell's text, which must not be blank."""
        value = self.text(column)
        if not value.strip():
            raise self.fault(column, "is empty; expected a name")
        return value

    def texts(self, column: str) -> tuple[str, ...]:
        """Return the cell's list of texts, which may be empty."""
        values: list[Any] | None = self.values[column]
        if values is None or None in values:
            raise self.fault(column, "is null or has a null in it; expected a list of strings")
        return tuple(values)

    def images(self, column: str) -> tuple[bytes | None, ...]:
        """Return the bytes of the cell's images, with None for each null among them.

        A null cell has no images.
        """
        values: list[Any] = self.values[column] or []
        for position, value in enumerate(values):
            if value is not None and value["bytes"] is None and value["path"] is not None:
                raise self.fault(
                    column, f"image {position} has a path and no bytes; the bytes must be in the file"
                )
        return tuple(None if value is None else value["bytes"] for value in values)

    def fault(self, column: str, problem: str) -> BadDataError:
        """Return an error about this cell."""
        return BadDataError(problem, file=self.file, row=self.index, row_id=self.values["id"], column=column)


def read_rows(path: Path, columns: Mapping[str, Any]) -> Iterator[Cells]:
    """Yield the rows of a file that has these columns (name -> `TEXT`, `TEXTS` or `IMAGES`).

    Images are not decoded.

    Decoding hints in the file's metadata are ignored. Raises BadDataError.
    """
    schema = pa.schema(columns)
    indices = itertools.count()
    for table in _read_tables(path, schema):
        for values in table.cast(schema).to_pylist():
            yield Cells(path.name, next(indices), values)


def distinct_texts(path: Path, column: str) -> set[str]:
    """Return the distinct texts in a column of lists, without nulls. Raises BadDataError."""
    lists = (cells.values[column] for cells in read_rows(path, {column: TEXTS}))
    return {text for texts in lists for text in texts or () if text is not None}


def _read_tables(path: Path, schema: Any) -> Iterator[Any]:  # noqa: ANN401  pyarrow has no types
    """Yield the columns of the schema, a few rows at a time."""
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
            f"unreadable Parquet ({_first_line(error)}). Download the file again", file=path.name
        ) from error


def _check_text(file: str, batch: Any) -> None:  # noqa: ANN401  pyarrow has no types
    for column in batch.schema.names:
        try:
            batch[column].validate(full=True)
        except pa.ArrowException as error:
            raise BadDataError(
                f"damaged ({_first_line(error)}). Download the file again", file=file, column=column
            ) from error


def _check_column(file: str, actual: Any, expected: Any) -> None:  # noqa: ANN401  pyarrow has no types
    column = expected.name
    count = actual.names.count(column)
    if count != 1:
        fault = "duplicate column" if count else "missing column"
        raise BadDataError(f"{fault}. Is this the benchmark's file?", file=file, column=column)
    kind = actual.field(column).type
    if not _fits(kind, expected.type):
        raise BadDataError(f"expected {expected.type}, got {kind}", file=file, column=column)


def _fits(actual: Any, expected: Any) -> bool:  # noqa: ANN401  pyarrow has no types
    """Whether the types are equal, except for the width of the offsets of texts and lists."""
    if pa.types.is_list(expected) and (pa.types.is_list(actual) or pa.types.is_large_list(actual)):
        return _fits(actual.value_type, expected.value_type)
    return bool(actual == expected or (pa.types.is_string(expected) and pa.types.is_large_string(actual)))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
