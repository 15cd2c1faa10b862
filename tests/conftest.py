import hypothesis
import pytest

from tests.browser import browser, chromium  # noqa: F401  fixtures
from tests.dataset_factory import tiny_dataset
from tests.endpoint import Endpoint, Reply
from tests.hub_stand_in import HubStandIn
from tests.inner_run import (  # noqa: F401  fixtures
    inner,
    loaded_by_sessions,
    prepared_cache,
    quick,
    sample_folder,
    workers,
)
from tests.real_engine import real_engine  # noqa: F401  a fixture
from tests.scripts import always

hypothesis.settings.register_profile(
    "untimed", deadline=None
)  # an example's duration depends on the machine's load
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def endpoint():
    """A scripted OpenAI-compatible server; set ``endpoint.script`` to change what it answers (tests/scripts.py)."""
    with Endpoint(always(Reply("Status: SUCCESS"))) as server:
        yield server


@pytest.fixture
def hub():
    """A Hugging Face Hub on loopback (tests/hub_stand_in.py), empty."""
    with HubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def tiny_folder(tmp_path):
    """A folder with the tiny dataset (tests/dataset_factory.py): 8 samples, 2 families."""
    return tiny_dataset().write(tmp_path / "tiny-dataset")
