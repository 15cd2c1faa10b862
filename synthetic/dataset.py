"""Write a data set in the layout and schema of the Hub repository (docs/protocol.md#dataset)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.questions import ICL_QUESTIONS, Question
from synthetic.families import load_family
from synthetic.icl import IclRow, icl_rows
from synthetic.production import produce, sample_keys
from synthetic.sample import Sample
from synthetic.settings import SYNTHETIC_VERSION, SyntheticSettings, checked_settings

TEST_FILE = "test-00000-of-00001.parquet"
FEWSHOT_FILE = "fewshot-00000-of-00001.parquet"
CONFIG_FILE = "experiment_config.json"
CARD_FILE = "README.md"

TEXT = pa.string()
TEXTS = pa.list_(TEXT)
IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", TEXT)]))
FEATURES = {
    TEXT: {"dtype": "string", "_type": "Value"},
    TEXTS: {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"},
    IMAGES: {"feature": {"_type": "Image"}, "_type": "List"},
}

TEST_COLUMNS = {
    "id": TEXT,
    "experiment_type": TEXT,
    "experiment_family": TEXT,
    "images": IMAGES,
    "image_ids": TEXTS,
    "experiment_background": TEXT,
    **{f"{question.lower()}_prompt": TEXT for question in Question},
    **{f"{question.lower()}_answer": TEXT for question in Question},
    "q1_key_points": TEXTS,
    "q3_key_points": TEXTS,
    "q5_scoring": TEXT,
    "q6_expected_status": TEXT,
}
FEWSHOT_COLUMNS = {
    "id": TEXT,
    "source_id": TEXT,
    "experiment_type": TEXT,
    **{f"{question.lower()}_prompt": TEXT for question in ICL_QUESTIONS},
    **{f"{question.lower()}_answer": TEXT for question in ICL_QUESTIONS},
    "image_ids": TEXTS,
}


def generate(  # noqa: PLR0913 - one argument per setting
    out_dir: Path,
    *,
    seed: int,
    per_scenario: int | None = None,
    balance: str | None = None,
    siblings: int = 0,
    families: Sequence[str] | None = None,
    perturb: str | None = None,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> None:
    """Make a data set and write its four files into ``out_dir``.

    The folder is created; files of the same names are replaced. The same seed and library versions give the
    same bytes.

    Args:
        out_dir: the folder to write to.
        seed: 0 or more.
        per_scenario: samples per scenario type, 1 or more; 3 if None.
        balance: "benchmark" for the benchmark's number of samples of each family, instead of
            ``per_scenario``.
        siblings: the number of scenario types, each of another family, with one more sample.
        families: None for all; their order does not matter.
        perturb: a change of the samples' looks (``synthetic/drawing/perturbation.py``).
        workers: the number of processes.
        on_sample: called after each sample, for a progress bar.

    Raises:
        SettingsError: settings cannot be used.
        OSError: a file cannot be written.
    """
    settings = checked_settings(
        seed=seed,
        per_scenario=per_scenario,
        balance=balance,
        siblings=siblings,
        families=families,
        perturb=perturb,
    )
    write_dataset(out_dir, settings, produce(sample_keys(settings), workers=workers, on_sample=on_sample))


def write_dataset(out_dir: Path, settings: SyntheticSettings, samples: Sequence[Sample]) -> None:
    """Write the four files of these samples into ``out_dir``, as :func:`generate` does."""
    out_dir.mkdir(parents=True, exist_ok=True)
    rows = icl_rows(samples)
    _write_table(out_dir / TEST_FILE, TEST_COLUMNS, [_test_row(sample) for sample in samples])
    _write_table(out_dir / FEWSHOT_FILE, FEWSHOT_COLUMNS, [_fewshot_row(row) for row in rows])
    config = json.dumps(_config(settings.families), indent=1, ensure_ascii=False)
    (out_dir / CONFIG_FILE).write_text(config + "\n", encoding="utf-8", newline="\n")
    (out_dir / CARD_FILE).write_text(_card(settings, len(samples), len(rows)), encoding="utf-8", newline="\n")


def _write_table(path: Path, columns: dict[str, pa.DataType], rows: list[dict[str, Any]]) -> None:
    features = {"info": {"features": {name: FEATURES[kind] for name, kind in columns.items()}}}
    schema = pa.schema(list(columns.items()), metadata={"huggingface": json.dumps(features)})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def _test_row(sample: Sample) -> dict[str, Any]:
    return {
        "id": sample.key.sample_id,
        "experiment_type": sample.key.scenario,
        "experiment_family": sample.key.family,
        "images": [{"bytes": png, "path": None} for png in sample.images],
        "image_ids": list(sample.image_ids),
        "experiment_background": sample.background,
        **{f"{question.lower()}_prompt": sample.prompts[question] for question in Question},
        **{f"{question.lower()}_answer": sample.answers[question] for question in Question},
        "q1_key_points": list(sample.q1_key_points),
        "q3_key_points": list(sample.q3_key_points),
        "q5_scoring": json.dumps(sample.field_rules),
        "q6_expected_status": sample.status,
    }


def _fewshot_row(row: IclRow) -> dict[str, Any]:
    return {
        "id": f"icl_{row.query.key.sample_id}",
        "source_id": row.query.key.sample_id,
        "experiment_type": row.query.key.scenario,
        **{f"{question.lower()}_prompt": row.prompts[question] for question in ICL_QUESTIONS},
        **{f"{question.lower()}_answer": row.query.answers[question] for question in ICL_QUESTIONS},
        "image_ids": list(row.image_ids),
    }


def _config(families: Sequence[str]) -> dict[str, Any]:
    return {name: _family_config(name) for name in families}


def _family_config(name: str) -> dict[str, Any]:
    family = load_family(name)
    return {
        "q5_scoring": family.field_rules,
        "q6_status_mapping": {scenario.name: scenario.status for scenario in family.scenarios},
    }


def _card(settings: SyntheticSettings, samples: int, icl: int) -> str:
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("numpy", "scipy", "matplotlib", "pillow", "pyarrow")
    )
    each = (
        "as many of each family as QCalEval has"
        if settings.balance
        else f"{settings.per_scenario} of each scenario type"
    )
    more = f" and one more of {settings.siblings} of them" if settings.siblings else ""
    return f"""---
license: apache-2.0
pretty_name: Synthetic quantum-calibration plots
tags: [synthetic, quantum]
configs:
- config_name: default
  data_files:
  - split: test
    path: {TEST_FILE}
---
# Synthetic quantum-calibration plots

**Synthetic. Not the QCalEval benchmark**: plots simulated by QCalEval-pytest, with questions and answers that follow
from the simulated truth, in the schema of `nvidia/QCalEval`. Scores on these samples are not comparable with published
ones. They contain no image, prompt or answer of the benchmark.

- {samples} samples, {each}{more}, and {icl} in-context rows.
- Families: {", ".join(settings.families)}.
- Made from `{settings}`, generator version {SYNTHETIC_VERSION}, with {libraries}.
  The same settings and versions give the same bytes.
- Licence: Apache-2.0, like the generator.
"""
