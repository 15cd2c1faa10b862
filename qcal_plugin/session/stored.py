"""Stored answers for ``--answers``, from an earlier run or a result file, to be scored without asking the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from qcal_plugin.dataset.prepared import DIGEST_MARK, PreparedDataset
from qcal_plugin.engine.journal import JournalError, read_lines, stored_line
from qcal_plugin.engine.model import Sampling, StoredAnswer
from qcal_plugin.engine.reply import clean_text
from qcal_plugin.session.directory import ANSWERS_FILE, MANIFEST_FILE, RunDirectoryError, read_manifest
from qcal_plugin.studies.selection import Selection
from qcal_plugin.studies.studied import benchmark_key
from reports.exchange.official_input import InferenceEntry, OfficialFileError, read_inference
from reports.records.conditions import COPIED
from reports.records.mixes import mix_from_json, split
from reports.records.records import Answer, ItemKey, PlannedItem, RunManifest
from scoring.errors import BadValueError, QCalError
from scoring.questions import Mode

PROTOCOL_MAX_TOKENS = 16384
DEMONSTRATIONS_SEED = "demonstrations_seed"
"""The setting of a run with ``--shots``; the same seed gives the same demonstrations."""
REQUEST_SEED = "request_seed"
"""The setting of a run with ``--request-seed``."""


class StoredAnswersError(QCalError):
    """There are no usable answers at this path; ``str()`` is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswers:
    """Answers by item, and where they come from.

    ``mode`` is the mode of a result file, which holds only one; None for a run. Entries in mode ICL may be
    named after rows of the fewshot file until `of_samples` has renamed them. ``planned`` is the plan of a
    run; None for a result file. ``seed`` is the seed of a run's demonstrations; None if it shows none.
    ``revision`` is the revision of a run's dataset; None for a result file.
    """

    source: str
    model: str
    base_url: str
    dataset: str | None
    sampling: Sampling
    answers: dict[ItemKey, StoredAnswer] = field(repr=False)
    mode: Mode | None = None
    planned: tuple[PlannedItem, ...] | None = field(repr=False, default=None)
    seed: int | None = None
    revision: str | None = None

    @property
    def variants(self) -> frozenset[str]:
        """The conditions of studies under which answers were given; the empty one is the benchmark itself."""
        return frozenset(item.key.variant for item in self.planned or ())

    def of_samples(self, dataset: PreparedDataset) -> StoredAnswers:
        """Return the same answers with items named after samples.

        Result files of the reference name items after samples in both modes, and have several entries with
        the same name if several ICL rows ask about a sample. Earlier versions of this suite named ICL entries
        after rows of the fewshot file.
        """
        if self.mode is not Mode.ICL:
            return self
        rows: dict[str, list[str]] = {}
        for sample in dataset.samples:
            rows.setdefault(sample.source_id or sample.sample_id, []).append(sample.sample_id)
        by_icl_id = {dataset.icl_id(sample.sample_id): [sample.sample_id] for sample in dataset.samples}
        answers = {}
        for key, stored in self.answers.items():
            names = rows.get(key.sample_id) or by_icl_id.get(key.sample_id) or [key.sample_id]
            if key.repeat < len(names):
                answers[key._replace(sample_id=names[key.repeat], repeat=0)] = stored
        return replace(self, answers=answers)

    def of_parts(self, dataset: PreparedDataset) -> StoredAnswers:
        """Return the answers of a run of one dataset with items named after the parts of a mix that hold them.

        Each part of that dataset takes the items that it selects; the others are left out, and so are
        conditions of studies, which depend on the other samples. Answers of a mix, and answers for a dataset
        that is not a mix, stay as they are. Raises BadValueError if no part has the run's dataset.
        """
        drawn = {sample.sample_id for sample in dataset.samples}
        if dataset.mix is None or any(key.sample_id in drawn for key in self.answers):
            return self
        parts = mix_from_json(dataset.mix).parts
        fitting = [part.name for part in parts if self._is_of(part.revision)]
        if not fitting:
            raise BadValueError(
                f"--answers {self.source}: no part of the mix has its dataset, {self.dataset} at {self.revision}; "
                f"the parts have {', '.join(f'{part.dataset} at {part.revision}' for part in parts)}"
            )
        names = {
            (own, *item): sample.sample_id
            for sample in dataset.samples
            if split(sample.sample_id)[0] in fitting
            for own in (split(sample.sample_id)[1], split(dataset.icl_id(sample.sample_id) or "")[1])
            for item in sample.items()
        }

        def renamed(key: ItemKey) -> ItemKey | None:
            name = None if key.variant else names.get((key.sample_id, key.mode, key.question))
            return None if name is None else key._replace(sample_id=name)

        return replace(
            self,
            answers={new: stored for key, stored in self.answers.items() if (new := renamed(key))},
            planned=None
            if self.planned is None
            else tuple(replace(item, key=new) for item in self.planned if (new := renamed(item.key))),
        )

    def _is_of(self, revision: str) -> bool:
        """Whether the answers may be about a dataset of this revision: its source is the same.

        What was prepared from the source may differ, as with ``--limit``; requests are compared one by one.
        """
        sources = (text.partition(DIGEST_MARK)[0] for text in (self.revision or revision, revision))
        return len({*sources}) == 1

    def check_mix(self, dataset: PreparedDataset) -> None:
        """Raise BadValueError if the dataset is a mix that has not drawn all of the run's samples."""
        drawn = {sample.sample_id for sample in dataset.samples}
        lost = sorted({item.key.sample_id for item in self.planned or ()} - drawn)
        if dataset.mix is not None and lost:
            raise BadValueError(
                f"--answers {self.source}: this mix has not drawn {len(lost)} of its samples, such as {lost[0]}; "
                "with samples = N the draw depends on the weights: use those of the run"
            )

    def narrowed(self, selection: Selection) -> Selection:
        """Return the selection without the mode that a result file lacks; for a run, in all modes (`planned_among`)."""
        modes = tuple(mode for mode in selection.modes if self.mode in {None, mode})
        return replace(selection, modes=tuple(Mode) if self.planned is not None else modes or selection.modes)

    def planned_among(
        self, selected: tuple[PlannedItem, ...], modes: Collection[Mode]
    ) -> tuple[PlannedItem, ...]:
        """Return the selected items of the run in these modes, with repeats and variants.

        Items with demonstrations are selected by their zero-shot items. Raises BadValueError if none is
        selected.
        """
        if self.planned is None:
            return selected
        wanted = {benchmark_key(item.key) for item in selected}
        items = tuple(
            item for item in self.planned if item.key.mode in modes and benchmark_key(item.key) in wanted
        )
        known = {item.key for item in items}
        items += tuple(
            item
            for item in selected
            if item.key.variant == COPIED and item.key not in known and item.key._replace(variant="") in known
        )
        if not items:
            raise BadValueError(f"nothing to score: {self.source} has none of the selected items in its plan")
        return items


def load_stored_answers(path: Path) -> StoredAnswers:
    """Load the answers in a run's folder or in an inference file of the reference.

    Raises StoredAnswersError.
    """
    try:
        if path.is_file():
            return _of_inference_file(path)
        manifest = read_manifest(path)
        if manifest is None:
            raise StoredAnswersError(f"--answers {path}: no run there (no {MANIFEST_FILE})")
        return StoredAnswers(
            source=str(path),
            model=manifest.model,
            base_url=manifest.base_url,
            dataset=manifest.dataset,
            sampling=_sampling(manifest),
            answers=_answers(path / ANSWERS_FILE),
            planned=manifest.planned,
            seed=_seed(manifest),
            revision=manifest.dataset_revision,
        )
    except (RunDirectoryError, JournalError, OfficialFileError) as error:
        raise StoredAnswersError(f"--answers {path}: {error}") from error
    except OSError as error:
        raise StoredAnswersError(f"--answers {path}: {error.strerror}") from error


def _of_inference_file(path: Path) -> StoredAnswers:
    """Load an inference file; its requests are assumed to have the protocol's parameters, as nothing else is known."""
    inference = read_inference(path)
    return StoredAnswers(
        source=str(path),
        model=inference.model,
        base_url="not stated",
        dataset=None,
        sampling=Sampling(model=inference.model, max_tokens=PROTOCOL_MAX_TOKENS, temperature=0.0),
        answers={
            ItemKey(entry.entry_id, question, inference.mode, repeat): StoredAnswer(
                answer=Answer(text=clean_text(text).strip()), request_sha256=None
            )
            for repeat, entry in _numbered(inference.entries)
            for question, text in entry.answers.items()
            if text is not None
        },
        mode=inference.mode,
    )


def _numbered(entries: Iterable[InferenceEntry]) -> Iterator[tuple[int, InferenceEntry]]:
    """Yield each entry with the number of earlier entries of the same name."""
    seen: Counter[str] = Counter()
    for entry in entries:
        yield seen[entry.entry_id], entry
        seen[entry.entry_id] += 1


def _answers(path: Path) -> dict[ItemKey, StoredAnswer]:
    """Return the first answer to each item; later answers never replace it."""
    answers: dict[ItemKey, StoredAnswer] = {}
    for _, line in read_lines(path, stored_line):
        if line.answer is not None:
            answers.setdefault(line.key, StoredAnswer(answer=line.answer, request_sha256=line.request_sha256))
    return answers


def _seed(manifest: RunManifest) -> int | None:
    seed = manifest.settings.get(DEMONSTRATIONS_SEED)
    return seed if isinstance(seed, int) else None


def _sampling(manifest: RunManifest) -> Sampling:
    settings = manifest.settings
    try:
        return Sampling(
            model=manifest.model,
            max_tokens=settings["max_tokens"],  # type: ignore[arg-type]  # written by this suite
            temperature=settings["temperature"],  # type: ignore[arg-type]
            extra_body=settings["extra_body"],  # type: ignore[arg-type]
            request_seed=settings.get(REQUEST_SEED),  # type: ignore[arg-type]
        )
    except KeyError as error:
        raise StoredAnswersError(f"--answers: the run's {MANIFEST_FILE} lacks the setting {error}") from error
