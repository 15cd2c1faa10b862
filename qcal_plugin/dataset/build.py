"""Prepares a dataset: checks every row and image, then writes what `qcal_plugin.dataset.prepared` reads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qcal_plugin.dataset.findings import warnings
from qcal_plugin.dataset.floors import DatasetFloors
from qcal_plugin.dataset.intake import DifferentBytesError, ImageIntake, ImageSurvey
from qcal_plugin.dataset.layout import CONFIG_FILE, FEWSHOT_FILE, SAMPLES_FILE
from qcal_plugin.dataset.prepared import (
    DatasetIdentity,
    SampleEntry,
    SampleLines,
    images_dir,
    sample_entry,
    shown_images,
)
from qcal_plugin.dataset.prepared_files import write_prepared
from qcal_plugin.dataset.prompts import icl_prompts, zeroshot_prompt
from qcal_plugin.dataset.rows import (
    IMAGE_IDS,
    FewshotRow,
    SampleRow,
    read_config,
    read_fewshot,
    read_images,
    read_samples,
)
from qcal_plugin.dataset.table import distinct_texts
from scoring.questions import Mode

SMALL_SHARE = 0.25
"""If a run asks about a larger share of the samples, all images are prepared, which the next run needs anyway."""
SMALL_DATASET = 40
"""Number of samples. A dataset of this size or smaller is prepared as a whole: it takes a second or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The questions under one sample id: those of the row, or only those of a further ICL row about it."""

    sample_id: str
    row: SampleRow
    icl_row: FewshotRow | None

    @property
    def is_further(self) -> bool:
        """Whether this is a further ICL row."""
        return self.sample_id != self.row.sample_id


def build(
    identity: DatasetIdentity,
    files: Mapping[str, Path],
    directory: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Prepare the dataset in these files in ``directory``.

    `progress` is called with the number of images done and the number of all images. Raises BadDataError for
    the first fault; then there is no directory.
    """
    rules = read_config(files[CONFIG_FILE])
    planned = 0 if progress is None else len(distinct_texts(files[SAMPLES_FILE], IMAGE_IDS))
    told = None if progress is None else lambda done: progress(done, max(done, planned))
    with ImageIntake(images_dir(directory), told) as intake:
        samples = read_samples(files[SAMPLES_FILE], rules, intake)
        fewshot = read_fewshot(files[FEWSHOT_FILE], samples)
        images = intake.stored()
    floors = DatasetFloors(samples.values())
    write_prepared(
        directory,
        identity,
        [_lines(asked, floors, known=images) for asked in _asked(samples, fewshot)],
        {image_id: image._asdict() for image_id, image in images.items()},
        warnings=warnings(samples, fewshot, rules),
    )


def build_part(
    identity: DatasetIdentity,
    files: Mapping[str, Path],
    directory: Path,
    choose: Callable[[Sequence[SampleEntry]], Collection[str]],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> bool:
    """Prepare the dataset in ``directory`` with only the images that some of its samples show.

    All rows are checked. ``choose`` returns the ids of the samples whose images are checked and stored.
    Writes nothing and returns False if the whole dataset should be prepared: it is small, the samples are
    more than a `SMALL_SHARE` of it, or two images with the same id have to be compared. Raises BadDataError
    for the first fault.
    """
    rules, survey = read_config(files[CONFIG_FILE]), ImageSurvey()
    try:
        samples = read_samples(files[SAMPLES_FILE], rules, survey)
    except DifferentBytesError:
        return False
    fewshot = read_fewshot(files[FEWSHOT_FILE], samples)
    asked = _asked(samples, fewshot)
    chosen = choose([sample_entry(_entry(each)) for each in asked])
    if len(asked) <= SMALL_DATASET or len(chosen) > SMALL_SHARE * len(asked):
        return False
    floors = DatasetFloors(samples.values())
    lines = [
        _lines(each, floors if each.sample_id in chosen else None, known=survey.image_ids) for each in asked
    ]
    part = [line.entry["sample_id"] for line in lines if line.entry["sample_id"] in chosen]
    wanted = shown_images(line.prompts for line in lines if line.entry["sample_id"] in chosen)
    told = None if progress is None else lambda done: progress(done, len(wanted))
    with ImageIntake(images_dir(directory), told) as intake:
        for image in read_images(files[SAMPLES_FILE], wanted):
            intake.take(image)
        images = intake.stored()
    write_prepared(
        directory,
        identity,
        lines,
        {image_id: images[image_id]._asdict() for image_id in wanted},
        warnings=warnings(samples, fewshot, rules),
        part=part,
    )
    return True


def _asked(samples: Mapping[str, SampleRow], fewshot: Iterable[FewshotRow]) -> list[_Asked]:
    """Return the samples, each with its first ICL row. Further ICL rows follow as separate samples."""
    asked = {
        sample_id: _Asked(sample_id=sample_id, row=row, icl_row=None) for sample_id, row in samples.items()
    }
    for icl_row in fewshot:
        first = asked[icl_row.source_id]
        if first.icl_row is None:
            asked[icl_row.source_id] = replace(first, icl_row=icl_row)
        else:
            numbered = (f"{icl_row.icl_id}-{number}" for number in itertools.count(2))
            name = next(name for name in itertools.chain([icl_row.icl_id], numbered) if name not in asked)
            asked[name] = _Asked(sample_id=name, row=first.row, icl_row=icl_row)
    return list(asked.values())


def _lines(asked: _Asked, floors: DatasetFloors | None, *, known: Container[str]) -> SampleLines:
    prompts = _prompts(asked, known=known)
    return SampleLines(
        entry=_entry(asked),
        references=_references(asked.row),
        prompts=prompts,
        floors={} if floors is None else floors.of(asked.row, prompts.get(Mode.ICL, {})),
    )


def _entry(asked: _Asked) -> dict[str, Any]:
    entry = {
        "sample_id": asked.sample_id,
        "family": asked.row.family,
        "scenario_type": asked.row.scenario_type,
        "icl_id": None if asked.icl_row is None else asked.icl_row.icl_id,
        "pictures": len(asked.row.image_ids),
    }
    if not asked.is_further:
        return entry
    icl_items = [(Mode.ICL, question) for question in Mode.ICL.questions]
    return {**entry, "source_id": asked.row.sample_id, "asked": icl_items}


def _references(row: SampleRow) -> dict[str, Any]:
    """Return the references, which come from the test row in both modes."""
    return {
        "answers": row.answers,
        "scenario_type": row.scenario_type,
        "background": row.background,
        "key_points": row.key_points,
        "field_rules": row.field_rules,
    }


def _prompts(asked: _Asked, *, known: Container[str]) -> dict[str, Any]:
    row, icl_row = asked.row, asked.icl_row
    zeroshot = {question: zeroshot_prompt(prompt, row.image_ids) for question, prompt in row.prompts.items()}
    if icl_row is None:
        return {Mode.ZEROSHOT: zeroshot}
    return {Mode.ZEROSHOT: zeroshot, Mode.ICL: icl_prompts(icl_row.prompts, icl_row.image_ids, known)}
