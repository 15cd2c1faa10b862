"""A real engine in this process, without pytest: text-only items against any URL."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from qcal_plugin.dataset.cases import Case, ImagePart, TextPart
from qcal_plugin.engine.budget import Budget
from qcal_plugin.engine.endpoint import Endpoint, Pause
from qcal_plugin.engine.engine import Engine
from qcal_plugin.engine.journal import AnswerJournal
from qcal_plugin.engine.judge import ModelJudge
from qcal_plugin.engine.limiter import Limiter
from qcal_plugin.engine.model import Sampling, ServedModel
from qcal_plugin.engine.settings import EndpointSettings
from qcal_plugin.engine.targets import parse_target
from reports.records.records import ItemKey
from scoring.key_points import default_template
from scoring.questions import Mode, Question
from scoring.reference import Reference

QUICK = EndpointSettings(url="", public_url="", backoff_s=0.01, request_timeout_s=20.0)
KEY_POINTS = ("one", "two", "three")


def keys(number: int, question: Question = Question.Q2) -> list[ItemKey]:
    """``sample-0``, ``sample-1``, ..."""
    return [ItemKey(sample_id=f"sample-{n}", question=question, mode=Mode.ZEROSHOT) for n in range(number)]


def text_case(key: ItemKey) -> Case:
    """Return an item whose prompt is its sample's name."""
    reference = Reference(
        answer="Classification: Expected behavior",
        plot_description="{}",
        scenario_type="rabi_success",
        key_points=KEY_POINTS,
    )
    prompt = (TextPart(text=f"What about {key.sample_id}?"),)
    return Case(key=key, family="rabi", scenario_type="rabi_success", prompt=prompt, reference=reference)


def image_part(path: Path, image: bytes, image_id: str = "an-id") -> ImagePart:
    """Return an image whose base64 text is at this path."""
    text = base64.b64encode(image)
    path.write_bytes(text)
    return ImagePart(
        image_id=image_id,
        sha256=hashlib.sha256(image).hexdigest(),
        base64_path=str(path),
        base64_sha256=hashlib.sha256(text).hexdigest(),
    )


def image_case(folder: Path) -> Callable[[ItemKey], Case]:
    """Return a function that adds an image to the items of `text_case`: the bytes ``sample-0``, ``sample-1``, ..."""

    def case(key: ItemKey) -> Case:
        image = key.sample_id.encode()
        path = folder / key.sample_id
        part = image_part(path, image)
        without = text_case(key)
        return replace(without, prompt=(part, *without.prompt))

    return case


@contextmanager
def running_engine(
    base_url: str,
    folder: Path,
    *,
    case: Callable[[ItemKey], Case] = text_case,
    settings: EndpointSettings = QUICK,
    concurrency: int = 1,
    judges: Sequence[str] = (),
    model: str = "model-a",
) -> Iterator[tuple[Engine, list[Endpoint]]]:
    """Yield the engine and its endpoints, the model's first; the journal is in the folder."""
    target = parse_target(base_url)
    settings = replace(settings, url=target.chat_url, public_url=target.public_url)
    budget, pause, engines = Budget(requests=None, tokens=None), Pause(), []

    def stop(reason: str, http_status: int | None = None) -> None:
        engines[0].stop(reason, http_status)

    endpoints = [
        Endpoint(settings, Limiter(concurrency), stop=stop, budget=budget, pause=pause)
        for _ in range(1 + len(judges))
    ]
    sampling = Sampling(model=model, max_tokens=100, temperature=0.0)
    journal = AnswerJournal(folder / "answers.jsonl")
    engine = Engine(
        cases=case,
        model=ServedModel(sampling=sampling, endpoint=endpoints[0]),
        judges=[
            ModelJudge(name=name, model=name, endpoint=judge, template=default_template())
            for name, judge in zip(judges, endpoints[1:], strict=True)
        ],
        endpoints=endpoints,
        journal=journal,
        concurrency=concurrency,
        judge_concurrency=concurrency,
    )
    engines.append(engine)
    engine.start()
    try:
        yield engine, endpoints
    finally:
        engine.close()
        journal.close()
