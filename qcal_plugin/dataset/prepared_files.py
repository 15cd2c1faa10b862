"""Writing the files of a prepared dataset; `qcal_plugin.dataset.prepared` describes and reads them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qcal_plugin.dataset.prepared import (
    FORMAT_VERSION,
    INDEX_FILE,
    DatasetIdentity,
    SampleLines,
    Span,
    content_sha256,
    lines_file,
)
from reports.records.files import write_file


class _Lines(NamedTuple):
    """The digest of a file of lines, and the position of each line."""

    sha256: str
    spans: list[Span]


def write_prepared(
    directory: Path,
    identity: DatasetIdentity,
    samples: Sequence[SampleLines],
    images: Mapping[str, Mapping[str, Any]],
    **more: object,
) -> None:
    """Write a prepared dataset.

    Its images must be stored already; ``more`` is added to its index. Raises OSError.
    """
    references = _write_lines(directory, "references", [sample.references for sample in samples])
    prompts = _write_lines(directory, "prompts", [sample.prompts for sample in samples])
    floor_lines = _write_lines(directory, "floors", [sample.floors for sample in samples])
    names = (sample.entry["sample_id"] for sample in samples)
    floors = {"sha256": floor_lines.sha256, "spans": dict(zip(names, floor_lines.spans, strict=True))}
    content = {
        "references": references.sha256,
        "prompts": prompts.sha256,
        "samples": [
            {**sample.entry, "references": reference, "prompts": prompt}
            for sample, reference, prompt in zip(samples, references.spans, prompts.spans, strict=True)
        ],
        "images": images,
        **more,
    }
    index = {
        "format": FORMAT_VERSION,
        "name": identity.name,
        "revision": identity.revision,
        "sha256": content_sha256(content),
        "content": content,
        "floors": floors,
        "floors_sha256": content_sha256(floors),
    }
    write_file(directory / INDEX_FILE, json.dumps(index).encode())


def _write_lines(directory: Path, name: str, lines: Iterable[Mapping[str, Any]]) -> _Lines:
    encoded = [json.dumps(line).encode() + b"\n" for line in lines]
    ends = [*itertools.accumulate(map(len, encoded))]
    content = b"".join(encoded)
    sha256 = hashlib.sha256(content).hexdigest()
    write_file(directory / lines_file(name, sha256), content)
    return _Lines(sha256, [Span(end - len(line), len(line)) for end, line in zip(ends, encoded, strict=True)])
