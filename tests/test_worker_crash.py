"""A worker that dies in the middle of a run costs one item.

Nothing is asked twice, and --lf completes the run.
"""

import re

from tests.endpoint import Reply
from tests.scripts import always

pytest_plugins = ["pytester"]

VICTIM = "drag-drag_success_a-Q6"
CRASH = f"""\
import os, pathlib
def pytest_runtest_call(item):
    once = pathlib.Path(__file__).parent / "crashed"
    if "test_zeroshot[{VICTIM}]" in item.name and not once.exists():
        once.touch()
        os._exit(3)
"""


def test_dead_worker_is_replaced_and_lf_repeats_no_request(quick, endpoint, tiny_folder):
    endpoint.script = always(Reply("Status: SUCCESS"))
    (quick.folder / "conftest.py").write_text(CRASH)
    options = (
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(tiny_folder),
        "--questions=Q2,Q6",
        "--no-html",
        "-n2",
    )

    crashed = quick.run(*options)

    assert 1 == crashed.exit_status, crashed.out
    assert "replacing crashed worker" in crashed.out
    assert "1 failed, 23 passed" in crashed.out
    assert [] == endpoint.asked_twice()
    assert 24 == len(endpoint.requests)
    assert 23 == len(crashed.records)
    assert "Items: 23 of 24 measured (95.8%)" in crashed.out
    assert re.search(r"missing +1  drag_success_a Q6 zeroshot", crashed.out)
    assert "qcal: 1 of 24 items not measured" in crashed.out

    completed = quick.run(*options, "--lf")

    assert 0 == completed.exit_status, completed.out
    assert 24 == len(endpoint.requests), "the answer was stored when it came"
    assert 24 == len(completed.records)
    assert "Items: 24 of 24 measured (100.0%)" in completed.out
