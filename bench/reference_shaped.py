"""The same work in the reference's style: zero-shot, then in-context, then judging, each as a separate plain script.

    python -m bench.reference_shaped DATASET --url http://127.0.0.1:PORT --out DIR

It is written from docs/protocol.md. All images are decoded and encoded again, all requests are built beforehand, one
``httpx.AsyncClient`` with default limits sends them under a semaphore, and results are written at the end. Judging uses
blocking requests in a thread pool under a semaphore of 16. By default that is asyncio's pool (cores + 4 threads, so a
small machine never has 16 in flight); ``--judge-pool 16`` makes a pool of the requested size.
"""

import argparse
import asyncio
import base64
import concurrent.futures
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import datasets
import httpx

from bench.protocol import (
    ICL,
    JUDGE_PARAMETERS,
    JUDGED,
    PARAMETERS,
    ZEROSHOT,
    answer_of,
    chat,
    grades_of,
    icl_content,
    judge_prompt,
    zeroshot_content,
)

TIMEOUT_S = 600.0
Job = tuple[str, str, dict[str, Any]]


def main() -> None:
    """Run the three steps in a row, each in a separate process."""
    options = _options()
    if options.step is None:
        for step in ("zeroshot", "icl", "judge"):
            subprocess.run(
                [sys.executable, "-m", "bench.reference_shaped", *sys.argv[1:], "--step", step], check=True
            )
    elif options.step == "judge":
        asyncio.run(_judge(options))
    else:
        asyncio.run(_infer(options))


async def _infer(options: argparse.Namespace) -> None:
    jobs = list(_zeroshot_jobs(options.dataset) if options.step == "zeroshot" else _icl_jobs(options.dataset))
    semaphore = asyncio.Semaphore(options.concurrency)
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:

        async def ask(job: Job) -> dict[str, str]:
            async with semaphore:
                sample_id, question, body = job
                reply = await client.post(f"{options.url}/model/v1/chat/completions", json=body)
                reply.raise_for_status()
                return {"id": sample_id, "question": question, "answer": answer_of(reply.json())}

        results = await asyncio.gather(*(ask(job) for job in jobs))
    (options.out / f"{options.step}.json").write_text(json.dumps(results, indent=2))


def _zeroshot_jobs(folder: Path) -> Iterator[Job]:
    for row in _rows(folder, "test"):
        images = [_base64_png(image) for image in row["images"]]
        for question in ZEROSHOT:
            content = zeroshot_content(row[f"{question}_prompt"], images)
            yield row["id"], question, chat("model", content, PARAMETERS)


def _icl_jobs(folder: Path) -> Iterator[Job]:
    images = {
        image_id: _base64_png(image)
        for row in _rows(folder, "test")
        for image_id, image in zip(row["image_ids"], row["images"], strict=True)
    }
    for row in _rows(folder, "fewshot"):
        image_ids = iter(row["image_ids"])
        for question in ICL:
            prompt = row[f"{question}_prompt"]
            shown = [images[next(image_ids)] for _ in range(prompt.count("<image>"))]
            yield row["id"], question, chat("model", icl_content(prompt, shown), PARAMETERS)


async def _judge(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    if options.judge_pool:
        loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(options.judge_pool))
    semaphore = asyncio.Semaphore(options.judge_concurrency)
    with httpx.Client(timeout=TIMEOUT_S) as client:

        def grade(body: dict[str, Any]) -> list[float]:
            reply = client.post(f"{options.url}/judge/v1/chat/completions", json=body)
            reply.raise_for_status()
            return grades_of(answer_of(reply.json()))

        async def judge(job: Job) -> dict[str, Any]:
            async with semaphore:
                sample_id, question, body = job
                return {"id": sample_id, "question": question, "grades": await asyncio.to_thread(grade, body)}

        for step, name in (("zeroshot", "test"), ("icl", "fewshot")):
            answers = json.loads((options.out / f"{step}.json").read_text())
            rows = {row["id"]: row for row in _rows(options.dataset, name, drop=["images"])}
            judged = await asyncio.gather(*(judge(job) for job in _judge_jobs(rows, answers)))
            (options.out / f"{step}_judged.json").write_text(json.dumps(judged, indent=2))


def _judge_jobs(rows: dict[str, dict[str, Any]], answers: list[dict[str, str]]) -> Iterator[Job]:
    for answer in answers:
        if answer["question"] in JUDGED:
            prompt = judge_prompt(rows[answer["id"]], answer["question"], answer["answer"])
            yield answer["id"], answer["question"], chat("judge", prompt, JUDGE_PARAMETERS)


def _rows(folder: Path, name: str, drop: Sequence[str] = ()) -> datasets.Dataset:
    rows = datasets.load_dataset("parquet", data_files=str(folder / f"{name}-*.parquet"), split="train")
    return rows.remove_columns([column for column in drop if column in rows.column_names])


def _base64_png(image: Any) -> str:  # noqa: ANN401  a picture of the imaging library, decoded by the dataset library
    file = io.BytesIO()
    image.convert("RGBA").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--url", required=True, help="of bench.server")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--judge-concurrency", type=int, default=16)
    parser.add_argument("--judge-pool", type=int, default=0, help="threads; 0 for asyncio's default")
    parser.add_argument("--step", choices=["zeroshot", "icl", "judge"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
