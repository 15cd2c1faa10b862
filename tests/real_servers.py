"""``python -m tests.real_servers``: the suite against each real server that is installed here, as a table.

Each server is started on loopback with the tiny vision-language model of the sibling folder ``shared`` (or in front of
it) and asked Q2, Q5 and Q6 about a few real samples, zero-shot. Servers that are not installed are listed with the
command to install them. This is not part of the test suite, because servers are large and start slowly.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.real_engine import TINY_VLM, free_port, tiny_vlm_server

ROOT = Path(__file__).parents[1]
SAMPLE = TINY_VLM.parent / "qcaleval-sample"
LITELLM = """
model_list:
  - model_name: tiny
    litellm_params: {{model: openai/tiny, api_base: "{base_url}", api_key: none}}
"""
LITELLM_ENVIRONMENT = {
    **os.environ,
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}  # without this it waits for a download
START_LIMIT_S = 240.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One server's line of the table."""

    server: str
    version: str
    measured: str
    rest: str


def main() -> int:
    """Ask every server that is installed. Status 0 if each ended with every item measured or explained."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", type=int, default=2, help="samples to ask about (default: 2)")
    parser.add_argument(
        "--litellm", default=shutil.which("litellm"), help="the litellm command, if it is elsewhere"
    )
    given = parser.parse_args()
    if not TINY_VLM.is_dir() or importlib.util.find_spec("xllamacpp") is None:
        sys.stdout.write("needs the sibling folder shared/tiny-vlm and: pip install -e '.[engine-test]'\n")
        return 2
    rows = [_llama_cpp(given.limit), _litellm(given.litellm, given.limit)]
    rows += [
        _absent(name, package) for name, package in (("vLLM", "vllm"), ("transformers serve", "transformers"))
    ]
    for row in rows:
        sys.stdout.write(f"{row.server:20} {row.version:12} {row.measured:16} {row.rest}\n")
    return 0


def _llama_cpp(limit: int) -> Row:
    with tiny_vlm_server() as base_url:
        return _row("llama.cpp", importlib.metadata.version("xllamacpp"), base_url, "tiny", limit)


def _litellm(command: str | None, limit: int) -> Row:
    if not command:
        return Row(
            server="LiteLLM proxy", version="-", measured="not asked", rest="pip install 'litellm[proxy]'"
        )
    asked = subprocess.run(
        [command, "--version"], capture_output=True, text=True, check=False, env=LITELLM_ENVIRONMENT
    )
    version = asked.stdout.split()
    with tiny_vlm_server() as upstream, _litellm_proxy(command, upstream) as base_url:
        return _row("LiteLLM proxy", version[-1] if version else "?", base_url, "tiny", limit)


@contextmanager
def _litellm_proxy(command: str, upstream: str) -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(LITELLM.format(base_url=upstream))
        process = subprocess.Popen(
            [command, "--config", config, "--port", str(port), "--host", "127.0.0.1", "--telemetry", "False"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=LITELLM_ENVIRONMENT,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/health/liveliness")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(10)


def _absent(name: str, package: str) -> Row:
    installed = importlib.util.find_spec(package) is not None
    rest = (
        "installed, but it cannot serve the tiny model's GGUF file" if installed else f"pip install {package}"
    )
    return Row(server=name, version="-", measured="not asked", rest=rest)


def _row(server: str, version: str, base_url: str, model: str, limit: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "test_qcaleval",
            "-q",
            "--no-html",
            "-o",
            f"cache_dir={folder}/cache",
        ]
        command += [
            "--model-url",
            base_url,
            "--model",
            model,
            "--dataset",
            str(SAMPLE),
            "--limit",
            str(limit),
        ]
        command += ["--modes=zeroshot", "--questions=Q2,Q5,Q6", "--concurrency=1", "--run-dir", str(run_dir)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "100"},
        )
        if not (run_dir / "records.jsonl").exists():
            return Row(server=server, version=version, measured="no run", rest=done.stdout.strip()[-200:])
        records = [json.loads(line) for line in (run_dir / "records.jsonl").read_text().splitlines()]
    measured = sum(record["status"] == "scored" for record in records)
    kinds = Counter(record["error"]["kind"] for record in records if record["error"])
    rest = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "-"
    return Row(server=server, version=version, measured=f"{measured} of {len(records)}", rest=rest)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"{url} did not answer within {START_LIMIT_S:g} s")


if __name__ == "__main__":
    raise SystemExit(main())
