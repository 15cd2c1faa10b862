import pytest

from tests.endpoint import Endpoint, Reply
from tests.real_engine import real_engine  # noqa: F401  a fixture
from tests.scripts import always


@pytest.fixture
def endpoint():
    """A scripted OpenAI-compatible server; set ``endpoint.script`` to change what it answers (tests/scripts.py)."""
    with Endpoint(always(Reply("Status: SUCCESS"))) as server:
        yield server
