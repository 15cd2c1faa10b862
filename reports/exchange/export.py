"""Records for other tools: CSV, Parquet, the reference's result files, a log of Inspect, a folder of EvalScope.

ExportError    this run cannot be written in that format here; the message says what to do
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from reports.exchange.evalscope import write_evalscope
from reports.exchange.official import inference_file, judged_file
from reports.records.outcomes import ErrorRule, counted_records
from reports.records.records import Record, Run, record_to_json
from reports.render.csv import neutral
from scoring.errors import QCalError
from scoring.questions import Mode


class ExportError(QCalError):
    """A run cannot be written in a format; ``str()`` is for the user."""


class Format(StrEnum):
    """The formats that `export` can write."""

    CSV = "csv"
    PARQUET = "parquet"
    INFERENCE = "inference"
    JUDGED = "judged"
    INSPECT = "inspect"
    EVALSCOPE = "evalscope"


def export(
    run: Run,
    target: Path,
    kind: Format,
    *,
    mode: Mode = Mode.ZEROSHOT,
    errors: ErrorRule = ErrorRule.UNMEASURED,
    repeat: int | None = None,
    run_dir: Path | None = None,
) -> None:
    """Write the run's counted records, one row or entry per item.

    ``mode``, ``errors`` and ``repeat`` apply only to the reference's files, which hold one mode each, and
    ``run_dir`` only to Inspect and EvalScope, which show the prompts and plots in it. For EvalScope the
    target is a folder. Raises ExportError, EvalScopeError, or OfficialFileError if a run does not fit the
    reference's format.
    """
    writers: dict[Format, Callable[[], None]] = {
        Format.CSV: lambda: _write_csv(run, target),
        Format.PARQUET: lambda: _write_parquet(run, target),
        Format.INFERENCE: lambda: _write_json(target, inference_file(run, mode, repeat=repeat)),
        Format.JUDGED: lambda: _write_json(target, judged_file(run, mode, errors=errors, repeat=repeat)),
        Format.INSPECT: lambda: _write_inspect(run, target, run_dir),
        Format.EVALSCOPE: lambda: write_evalscope(run, target, run_dir),
    }
    writers[kind]()


def rows(run: Run) -> Iterator[dict[str, Any]]:
    """Yield a flat row per counted record: scores as fractions, nested values as JSON text, None for no value."""
    for record in counted_records(run).values():
        yield _row(record)


def _row(record: Record) -> dict[str, Any]:
    data = record_to_json(record)
    score, other, error = data.pop("score"), data.pop("other_score"), data.pop("error")
    unanswered = data.pop("unanswered_score")
    verdicts, flags = data.pop("verdicts"), data.pop("flags")
    data.pop("reasoning", None)
    floors = {name: data.pop(name, None) for name in ("floors", "field_floors")}
    return {
        **data,
        "repeat": record.key.repeat,
        "variant": record.key.variant,
        "score": None if score is None else float(score["value"]),
        "other_score": None if other is None else float(other["value"]),
        "unanswered_score": None if unanswered is None else float(unanswered["value"]),
        "extracted": None if score is None else json.dumps(score["extracted"], ensure_ascii=False),
        "expected": None if score is None else json.dumps(score["expected"], ensure_ascii=False),
        "components": None if score is None else json.dumps(score["components"]),
        "grades": json.dumps({verdict["judge"]: verdict["grades"] for verdict in verdicts}),
        "flags": " ".join(flags),
        "error_kind": None if error is None else error["kind"],
        "error_message": None if error is None else error["message"],
        **{name: None if stated is None else json.dumps(stated) for name, stated in floors.items()},
    }


def _write_csv(run: Run, target: Path) -> None:
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for number, row in enumerate(rows(run)):
            if not number:
                writer.writerow(row)
            writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row.values()])


def _write_parquet(run: Run, target: Path) -> None:
    import pandas as pd

    pd.DataFrame(rows(run)).to_parquet(target, index=False)


def _write_json(target: Path, data: dict[str, Any]) -> None:
    target.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_inspect(run: Run, target: Path, run_dir: Path | None) -> None:
    try:
        from reports.exchange.inspect import write_inspect_log
    except ModuleNotFoundError as error:
        raise ExportError(
            "the format inspect needs the package inspect_ai: pip install 'qcaleval-pytest[inspect]'"
        ) from error
    write_inspect_log(run, target, run_dir)
