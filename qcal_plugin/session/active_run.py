"""A run with its dataset, model, judges, engine, folder and recorder, in the process that owns the engine."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.dataset.errors import DatasetError
from qcal_plugin.dataset.prepare import Progress
from qcal_plugin.dataset.prepared import PreparedDataset
from qcal_plugin.demo.lexical_judge import LexicalJudge
from qcal_plugin.engine.budget import Budget
from qcal_plugin.engine.canary import judge_canary, write_canary
from qcal_plugin.engine.endpoint import Endpoint, Pause
from qcal_plugin.engine.engine import RUN_OVER, Engine
from qcal_plugin.engine.journal import DAMAGED_SUFFIX, AnswerJournal
from qcal_plugin.engine.judge import Judge, ModelJudge
from qcal_plugin.engine.limiter import Limiter
from qcal_plugin.engine.log import EngineLog
from qcal_plugin.engine.model import Model, Sampling, ServedModel, StoredModel
from qcal_plugin.engine.pacing import Pace
from qcal_plugin.engine.result import EngineResult
from qcal_plugin.engine.settings import EndpointSettings
from qcal_plugin.engine.targets import TargetOption, parse_target
from qcal_plugin.session.deviations import Deviations
from qcal_plugin.session.directory import RunDirectory, RunDirectoryError
from qcal_plugin.session.preflight import ResolvedTarget, resolve_target
from qcal_plugin.session.recording import Recorder
from qcal_plugin.session.stored import DEMONSTRATIONS_SEED, REQUEST_SEED, StoredAnswers
from qcal_plugin.studies.copies import CopyingModel
from qcal_plugin.studies.studied import StudiedDataset
from qcal_plugin.worker.measuring import fails_mark
from reports.records.mixes import MIX_SETTING
from reports.records.records import ItemKey, JudgeIdentity, PlannedItem, Record, RunManifest
from reports.records.run_files import CanaryJudge
from scoring.dispatch import SCORER_VERSION
from scoring.questions import Question
from scoring.reference import JSON

LOOK_AHEAD_ROUNDS = 3
"""With ``-x``: the number of requests ahead of the tests, as a multiple of the concurrency."""

DISTRIBUTIONS = ("qcaleval-pytest", "pytest", "pytest-xdist", "httpx", "aiohttp", "datasets")
EMBEDDED = "embedded"
JUDGE_STAND_IN = "judge: lexical overlap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """The model and the judges, all of them reachable.

    Attributes:
        model: None if stored answers are scored.
        sampling: the parameters of requests, without the prompt.
        stand_ins: embedded replacements, as text for tables.
        warnings: one line each, for the user.
    """

    model: ResolvedTarget | None
    stored: StoredAnswers | None
    judges: tuple[ResolvedTarget, ...]
    lexical_judge: bool
    sampling: Sampling
    stand_ins: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Problems that preflight noticed but that do not end the session."""
        targets = (self.model, *self.judges) if self.model is not None else self.judges
        return tuple(target.warning for target in targets if target.warning is not None)

    @property
    def model_name(self) -> str:
        """The model's name for requests and reports."""
        return self.sampling.model

    @property
    def base_url(self) -> str:
        """The URL that the answers come from, without user info."""
        if self.stored is not None:
            return self.stored.base_url
        return EMBEDDED if self.model is None else self.model.option.target.public_url


def find_participants(
    config: RunConfig,
    stored: StoredAnswers | None,
    exits: ExitStack,
    dataset: PreparedDataset,
    progress: Progress,
) -> Participants:
    """Reach every endpoint once; start the embedded model if ``--demo`` or ``--baseline`` needs one.

    ``progress`` is called while that model prepares. Raises PreflightError, or DatasetError if it cannot
    prepare.
    """
    for given in (*([config.model] if config.model else []), *config.judges):
        exits.enter_context(given.redaction.of_log("httpx"))
    option = config.model
    stand_ins: tuple[str, ...] = ()
    if config.baseline is not None:
        from qcal_plugin.demo.baselines import answerer
        from qcal_plugin.demo.embedded import baseline_server  # brings a server's modules

        answer = answerer(config.baseline, dataset, progress)
        server = exits.enter_context(baseline_server(config.baseline.model, answer))
        target = parse_target(server.base_url)
        option = TargetOption(target=target, model=None, key=None, key_variable="")
        stand_ins = (config.baseline.stand_in, *((JUDGE_STAND_IN,) if config.demo else ()))
    model = None if option is None else resolve_target(option, "--model")
    sampling = Sampling(
        model="" if model is None else model.model,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        extra_body=config.requests.extra_body,
        request_seed=config.requests.request_seed,
    )
    return Participants(
        model=model,
        stored=stored,
        judges=tuple(resolve_target(judge, "--judge") for judge in config.judges),
        lexical_judge=config.demo,
        sampling=sampling if stored is None else stored.sampling,
        stand_ins=stand_ins,
    )


def describe(config: RunConfig, dataset: PreparedDataset, who: Participants, run_id: str) -> RunManifest:
    """Return the manifest of a run that has not planned anything yet."""
    judges = [
        JudgeIdentity(model=judge.model, base_url=judge.option.target.public_url) for judge in who.judges
    ]
    if who.lexical_judge:
        judges.append(JudgeIdentity(model=LexicalJudge().name, base_url=EMBEDDED))
    return RunManifest(
        run_id=run_id,
        model=who.model_name,
        base_url=EMBEDDED if config.baseline is not None else who.base_url,
        judges=tuple(judges),
        dataset=dataset.identity.name,
        dataset_revision=dataset.identity.revision,
        scorer=config.scorer.value,
        scorer_version=str(SCORER_VERSION),
        settings=_settings(config, who) | ({} if dataset.mix is None else {MIX_SETTING: dict(dataset.mix)}),
        planned=(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        stand_ins=who.stand_ins + dataset.stand_ins,
        dataset_warnings=dataset.warnings,
        source_ids={
            sample.sample_id: sample.source_id for sample in dataset.samples if sample.source_id is not None
        },
        versions=_versions(),
        dataset_part=dataset.part,
    )


class ActiveRun:
    """A run in progress."""

    def __init__(
        self,
        config: RunConfig,
        dataset: StudiedDataset,
        who: Participants,
        directory: RunDirectory,
        *,
        prepare_again: Callable[[], StudiedDataset],
    ) -> None:
        self.directory = directory
        self.restored: list[str] = []
        self._prepare_again = prepare_again
        self._restoring = asyncio.Lock()
        self.budget = Budget(requests=config.budget_requests, tokens=config.budget_tokens)
        self.limiter = Limiter(config.concurrency)
        self.judge_limiter = Limiter(config.judge_concurrency)
        self._journal = AnswerJournal(directory.answers)
        self.recorder = Recorder(directory.records, self.outcome)
        self.endpoints: list[Endpoint] = []
        self._pauses: dict[str, Pause] = {}
        self._deviations = Deviations(directory.path)
        self._log = EngineLog(
            limiter=self.limiter, judge_limiter=self.judge_limiter, endpoints=self.endpoints
        )
        self._planned: dict[ItemKey, PlannedItem] = {}
        self.judges = self._judges(config, who)
        self.engine = Engine(
            cases=dataset.case,
            model=CopyingModel(self._model(config, who)),
            judges=self.judges,
            endpoints=self.endpoints,
            journal=self._journal,
            concurrency=config.concurrency,
            judge_concurrency=config.judge_concurrency,
            look_ahead=LOOK_AHEAD_ROUNDS * config.concurrency if config.maxfail else None,
        )
        self.budget.on_exhausted = self.engine.stop
        if config.last_failed:
            self._forget_failed(config.pass_marks)
        self.engine.start()

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """Declare the items that will be demanded, as the run's plan.

        If it cannot be written, nothing is asked.
        """
        self._planned.update({item.key: item for item in planned})
        try:
            self.directory.plan(planned)
        except RunDirectoryError as error:
            self.engine.drain(str(error))
        self.engine.declare(item.key for item in planned)

    @property
    def repaired(self) -> tuple[str, ...]:
        """What was repaired in the folder, one line each."""
        torn = {"answers.jsonl": self._journal.torn_bytes, "records.jsonl": self.recorder.torn_bytes}
        damaged = {"answers.jsonl": self._journal.damaged_lines, "records.jsonl": self.recorder.damaged_lines}
        return (
            *(
                f"{name}: removed {size} bytes of a line that a crash cut"
                for name, size in torn.items()
                if size
            ),
            *(
                f"{name}: moved {number} damaged line{'s' if number > 1 else ''} to {name}{DAMAGED_SUFFIX}; "
                "their items are asked again"
                for name, number in damaged.items()
                if number
            ),
        )

    async def _restore(self) -> None:
        """Prepare the damaged parts of the dataset's cache again. Raises OSError if that fails."""
        async with self._restoring:  # if many requests find damage at once, the first repairs it
            try:
                studied = await asyncio.to_thread(self._prepare_again)
            except DatasetError as error:
                raise OSError(errno.EIO, str(error)) from error
            self.restored += [line for each in studied.datasets for line in each.repairs]

    def try_judges(self) -> tuple[CanaryJudge, ...]:
        """Let the judges grade the canary; write and return the results."""
        results = asyncio.run_coroutine_threadsafe(judge_canary(self.judges), self.engine.loop).result()
        write_canary(self.directory.path, results)
        return results

    def demand(self, key: ItemKey) -> Future[EngineResult]:
        """See `Engine.demand`."""
        return self.engine.demand(key)

    def outcome(self, key: ItemKey) -> EngineResult:
        """Return the outcome of an item that a test has taken."""
        return self.engine.demand(key).result()

    def take(self, record: Record) -> None:
        """Write a test's record. Raises JournalError if that is not possible."""
        if record.key in self._planned:
            self.recorder.take(record)
            self.engine.release(record.key)

    def close(self) -> None:
        """End the engine and release the folder."""
        self.engine.close()
        with suppress(OSError):  # the measurements are safe; this is only a log
            stopped = self.engine.stopped
            self._log.append_to(self.directory.path, None if stopped == RUN_OVER else stopped)
        self._journal.close()
        self.recorder.close()
        self.directory.close()

    def _model(self, config: RunConfig, who: Participants) -> Model:
        if who.stored is not None:
            return StoredModel(sampling=who.sampling, stored=who.stored.answers.get, source=who.stored.source)
        assert who.model is not None, "a run has a model or stored answers"
        pace = Pace(
            requests_per_s=config.requests.requests_per_s, tokens_per_minute=config.requests.tokens_per_minute
        )
        endpoint = self._endpoint(config, who.model, self.limiter, "model", pace)
        return ServedModel(
            sampling=who.sampling,
            endpoint=endpoint,
            strict=config.requests.strict_model,
            restore=self._restore,
        )

    def _judges(self, config: RunConfig, who: Participants) -> list[Judge]:
        if who.lexical_judge:
            return [LexicalJudge()]
        return [
            ModelJudge(
                name=name,
                model=judge.model,
                endpoint=self._endpoint(config, judge, self.judge_limiter, f"judge {name}"),
                template=config.judge_template,
                max_tokens=config.requests.judge_max_tokens,
                extra_body=config.requests.judge_body,
            )
            for name, judge in zip(_names(who.judges), who.judges, strict=True)
        ]

    def _endpoint(
        self, config: RunConfig, target: ResolvedTarget, limiter: Limiter, role: str, pace: Pace | None = None
    ) -> Endpoint:
        endpoint = Endpoint(
            endpoint_settings(config, target),
            limiter,
            stop=self._stop,
            budget=self.budget,
            pause=self._pauses.setdefault(target.option.target.server, Pause()),
            pace=pace,
            adaptation=self._deviations.of(role),
            on_adapted=self._write_deviations,
        )
        self.endpoints.append(endpoint)
        return endpoint

    def _write_deviations(self) -> None:
        """Write what was learned; called in the engine's thread.

        A full disk ends the run, as for any other line.
        """
        try:
            self._deviations.write()
        except OSError as error:
            self._stop(f"{self.directory.path}: {error.strerror}")

    def _stop(self, reason: str, http_status: int | None = None) -> None:
        """Stop the engine; endpoints get this method because they are made before the engine."""
        self.engine.stop(reason, http_status)

    def _forget_failed(self, pass_marks: Mapping[Question, float]) -> None:
        """With ``--lf``, ask again what failed ``--pass-mark``; the measured answer is kept as well."""
        for key, value in self.recorder.measured.items():
            if fails_mark(value, pass_marks.get(key.question, 0.0)):
                self._journal.forget(key)


def endpoint_settings(config: RunConfig, target: ResolvedTarget) -> EndpointSettings:
    """Return how to reach an endpoint that answered."""
    return EndpointSettings(
        url=target.option.target.chat_url,
        public_url=target.option.target.public_url,
        authorization=target.option.authorization,
        headers=target.option.headers,
        redaction=target.option.redaction,
        streaming=config.requests.streaming,
        retries=config.retries,
        request_timeout_s=config.request_timeout_s,
    )


def _names(judges: Sequence[ResolvedTarget]) -> list[str]:
    """Return one name per judge: its model, with a number appended if the same model judges twice."""
    names: list[str] = []
    for judge in judges:
        same = sum(name.partition("#")[0] == judge.model for name in names)
        names.append(f"{judge.model}#{same + 1}" if same else judge.model)
    return names


def _settings(config: RunConfig, who: Participants) -> dict[str, JSON]:
    sampling = who.sampling
    seed = None if who.stored is None else who.stored.seed
    if seed is None and config.selection.shots is not None:
        seed = config.selection.seed
    return {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "extra_body": dict(sampling.extra_body),
        **({} if sampling.request_seed is None else {REQUEST_SEED: sampling.request_seed}),
        "judge_template_sha256": hashlib.sha256(config.judge_template.encode()).hexdigest(),
        "judge_max_tokens": config.requests.judge_max_tokens,
        **({"judge_body": dict(config.requests.judge_body)} if config.requests.judge_body else {}),
        **({} if seed is None else {DEMONSTRATIONS_SEED: seed}),
    }


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # run from a checkout that is not installed
    return versions
