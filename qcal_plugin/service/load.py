"""Make the requests of a load test: the benchmark's plots and prompts, or random images with words.

Every request begins with a new number. Prefix caches store the beginning of a prompt, so they cannot answer
from an earlier request. Random images are new in every request. Each of the benchmark's plots is sent once
before any is sent again.
"""

from __future__ import annotations

import base64
import hashlib
import io
import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qcal_plugin.cli.service import RandomImages
from qcal_plugin.dataset.cases import ImagePart, PromptPart, TextPart
from qcal_plugin.dataset.prepared import PreparedDataset
from qcal_plugin.engine.chat import ChatRequest
from qcal_plugin.engine.model import Sampling
from qcal_plugin.worker.measuring import CaseUnderTest
from reports.records.records import Answer, PlannedItem
from scoring.dispatch import Scorer
from scoring.reference import JSON

BLOCK = 8
"""The size in pixels of the blocks in a random image, which make it compress as a plot does and not as noise."""
WORDS = "amplitude axis band curve decay detuning drive fit flux gain noise phase pulse qubit ramp scan"


class Load(Protocol):
    """Makes requests and scores their answers."""

    def body(self, number: int, extra: Mapping[str, JSON]) -> bytes:
        """Return the body of a level's request ``number``, with further fields."""
        ...

    def item(self, number: int) -> PlannedItem | None:
        """Return the item of the request; None if it is not a question of the benchmark."""
        ...

    def score(self, number: int, text: str) -> float | None:
        """Return the score of the answer, 0..1; None if it needs a judge."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkLoad:
    """The benchmark's prompts, in the order of ``items``; each level begins at the start."""

    dataset: PreparedDataset
    items: Sequence[PlannedItem]
    sampling: Sampling
    scorer: Scorer

    def body(self, number: int, extra: Mapping[str, JSON]) -> bytes:
        """See `Load`."""
        prompt = self.dataset.case(self.item(number).key).prompt
        return bytes(_request(self.sampling, prompt, extra).body())

    def item(self, number: int) -> PlannedItem:
        """See `Load`."""
        return self.items[number % len(self.items)]

    def score(self, number: int, text: str) -> float | None:
        """See `Load`. Q1 and Q3 have no score, because asking a judge would disturb the load."""
        item = self.item(number)
        if item.key.question.needs_judge:
            return None
        reference = self.dataset.reference(item.key)
        return (
            CaseUnderTest(planned=item, reference=reference, scorer=self.scorer)
            .score(Answer(text=text))
            .value
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomLoad:
    """Random pictures and words, without scores. ``folder`` holds the pictures until they are sent."""

    folder: Path
    images: RandomImages
    sampling: Sampling

    def body(self, number: int, extra: Mapping[str, JSON]) -> bytes:
        """See `Load`."""
        draws = random.Random(secrets.token_bytes(16))  # noqa: S311 - pictures, not secrets
        text = TextPart(text=" ".join(draws.choices(WORDS.split(), k=self.images.words)))
        images = [self._image(f"{number}-{index}", draws) for index in range(self.images.images)]
        body = bytes(_request(self.sampling, (*images, text), extra).body())
        for image in images:
            Path(image.base64_path).unlink()
        return body

    def item(self, number: int) -> None:
        """See `Load`."""

    def score(self, number: int, text: str) -> None:
        """See `Load`."""

    def _image(self, image_id: str, draws: random.Random) -> ImagePart:
        encoded = base64.b64encode(random_png(self.images.width, self.images.height, draws))
        path = self.folder / image_id
        path.write_bytes(encoded)
        sha256 = hashlib.sha256(encoded).hexdigest()
        return ImagePart(
            image_id=image_id, sha256="", base64_path=str(path), base64_sha256=sha256, size_bytes=len(encoded)
        )


def load_order(items: Iterable[PlannedItem], *, seed: int = 0) -> list[PlannedItem]:
    """Return the items in rounds: each round has every sample once, with another question, in a seeded order."""
    by_sample: dict[str, list[PlannedItem]] = {}
    for item in items:
        by_sample.setdefault(item.key.sample_id, []).append(item)
    samples = sorted(by_sample, key=lambda sample: hashlib.sha256(f"{seed}/{sample}".encode()).digest())
    rounds = max(map(len, by_sample.values()), default=0)
    return [
        by_sample[sample][(place + turn) % len(by_sample[sample])]
        for turn in range(rounds)
        for place, sample in enumerate(samples)
        if turn < len(by_sample[sample])
    ]


def random_png(width: int, height: int, draws: random.Random) -> bytes:
    """Return a PNG of random blocks."""
    from PIL import Image

    columns, rows = -(-width // BLOCK), -(-height // BLOCK)
    blocks = Image.frombytes("RGB", (columns, rows), draws.randbytes(3 * columns * rows))
    picture = blocks.resize((columns * BLOCK, rows * BLOCK), Image.Resampling.NEAREST).crop(
        (0, 0, width, height)
    )
    file = io.BytesIO()
    picture.convert("RGBA").save(file, "PNG", compress_level=1)
    return file.getvalue()


def _request(sampling: Sampling, prompt: Sequence[PromptPart], extra: Mapping[str, JSON]) -> ChatRequest:
    """Return a request whose prompt begins with a line that no other request has."""
    own = TextPart(text=f"Request {secrets.token_hex(8)}.")
    return ChatRequest(
        model=sampling.model,
        prompt=(own, *prompt),
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        extra_body={**sampling.further_fields(), **extra},
    )
