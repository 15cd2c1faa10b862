"""Writing the files of a prepared dataset; `qcal_plugin.dataset.prepared` describes and reads them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qcal_plugin.dataset.cache import write_file
from qcal_plugin.dataset.prepared import FORMAT_VERSION, INDEX_FILE, DatasetIdentity, SampleLines, Span


class _Lines(NamedTuple):
    """A file of lines, and where each stands in it."""

    file: str
    spans: list[Span]


def write_prepared(
    directory: Path,
    identity: DatasetIdentity,
    samples: Sequence[SampleLines],
    images: Mapping[str, Mapping[str, Any]],
    **more: object,
) -> None:
    """Write a prepared dataset whose images are stored; ``more`` goes into its index. Raises OSError."""
    references = _write_lines(directory, "references", [sample.references for sample in samples])
    prompts = _write_lines(directory, "prompts", [sample.prompts for sample in samples])
    index = {
        "format": FORMAT_VERSION,
        "name": identity.name,
        "revision": identity.revision,
        "references": references.file,
        "prompts": prompts.file,
        "samples": [
            {**sample.entry, "references": reference, "prompts": prompt}
            for sample, reference, prompt in zip(samples, references.spans, prompts.spans, strict=True)
        ],
        "images": images,
        **more,
    }
    write_file(directory / INDEX_FILE, json.dumps(index).encode())


def _write_lines(directory: Path, name: str, lines: Iterable[Mapping[str, Any]]) -> _Lines:
    encoded = [json.dumps(line).encode() + b"\n" for line in lines]
    ends = [*itertools.accumulate(map(len, encoded))]
    content = b"".join(encoded)
    file = f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
    write_file(directory / file, content)
    return _Lines(file, [Span(end - len(line), len(line)) for end, line in zip(ends, encoded, strict=True)])
