"""What can be wrong with a dataset, before anything is asked.

    DatasetError
    ├── DatasetNotFoundError    no such folder, repository, revision or file
    ├── HubError                the Hub refused or could not be reached, and its cache does not have the dataset
    └── BadDataError            a file, row or cell that cannot be used

Each message says in one or two lines what is wrong, where, and what to do.
"""

from __future__ import annotations

from scoring.errors import QCalError


class DatasetError(QCalError):
    """The dataset cannot be used; the run must not start."""


class DatasetNotFoundError(DatasetError):
    """What the name or the revision points to does not exist."""


class HubError(DatasetError):
    """The Hub did not deliver the dataset.

    Attributes:
        host: the Hub's host and port.
        status: HTTP status of its reply; None if there was none.
    """

    def __init__(self, message: str, *, host: str, status: int | None = None) -> None:
        super().__init__(message)
        self.host = host
        self.status = status


class BadDataError(DatasetError):
    """The data do not follow the dataset's schema (docs/protocol.md#dataset).

    Attributes:
        file: name of the file.
        row: counted from 0, as dataset libraries do; None if the fault is not in a single row.
        column: None if the fault is not in a single column.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str,
        row: int | None = None,
        row_id: str | None = None,
        column: str | None = None,
    ) -> None:
        place = [file]
        if row is not None:
            place.append(f"row {row}" if row_id is None else f"row {row} (id {row_id!r})")
        if column is not None:
            place.append(f"column {column}")
        super().__init__(f"{', '.join(place)}: {problem}")
        self.file = file
        self.row = row
        self.column = column
