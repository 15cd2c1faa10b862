"""A real OpenAI-compatible engine: llama.cpp with the tiny vision-language model of the sibling folder ``shared``.

Tests that use the fixture ``real_engine`` (tests/conftest.py) skip with a reason if the folder or the package
``xllamacpp`` (extra ``engine-test``) is missing.
"""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

TINY_VLM = Path(__file__).parents[2] / "shared" / "tiny-vlm"
START_LIMIT_S = 60.0


@pytest.fixture(scope="session")
def real_engine() -> Iterator[str]:
    """The base URL of a running engine with a context of 4,096 tokens and one slot.

    It accepts any model name.
    """
    if not TINY_VLM.is_dir():
        pytest.skip("the sibling folder shared/tiny-vlm is absent")
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install -e '.[engine-test]'")
    with tiny_vlm_server() as base_url:
        yield base_url


@contextmanager
def tiny_vlm_server(api_key: str = "", environment: dict[str, str] | None = None) -> Iterator[str]:
    """Run the engine in a separate process.

    ``environment`` holds serve.py's settings, such as REASONING_FORMAT.
    """
    port = free_port()
    files = ["serve.py", "tiny-qwen-colour.gguf", "tiny-qwen-colour-mmproj.gguf"]
    command = [
        sys.executable,
        *(str(TINY_VLM / file) for file in files),
        str(port),
        *([api_key] if api_key else []),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            _wait_until_ready(process, f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_ready(process: subprocess.Popen, url: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the engine ended with exit status {process.returncode} before it was ready")
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the engine was not ready within {START_LIMIT_S:g} s")
