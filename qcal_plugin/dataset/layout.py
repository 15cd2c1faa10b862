"""The files of a dataset, in the Hub repository and in a folder of its layout (docs/protocol.md#dataset)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

SAMPLES_FILE = "test-00000-of-00001.parquet"
FEWSHOT_FILE = "fewshot-00000-of-00001.parquet"
CONFIG_FILE = "experiment_config.json"
FILES = (SAMPLES_FILE, FEWSHOT_FILE, CONFIG_FILE)


def content_digest(files: Mapping[str, Path]) -> str:
    """Return ``sha256:`` and the digest of the files' names and contents."""
    digest = hashlib.sha256()
    for name, path in files.items():
        with path.open("rb") as file:
            digest.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()}"
