"""Ctrl-C: in-flight requests are cancelled, the tables are printed from what is on disk, and --resume continues."""

import os
import signal
import time

from tests.endpoint import Reply
from tests.scripts import always, delayed
from tests.waiting import wait_until

HANGING_S = 120.0


def test_ctrl_c_cancels_what_is_in_flight_and_prints_what_was_measured(inner, endpoint, tiny_folder, workers):
    """The first twelve requests are answered; all others hang."""
    quick, hanging = always(Reply("Status: SUCCESS")), delayed(HANGING_S, always(Reply("late")))
    endpoint.script = lambda request: (quick if request.number < 12 else hanging)(request)
    options = [
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(tiny_folder),
        "--concurrency",
        "4",
        *workers,
    ]
    session = inner.start(*options)
    wait_until(lambda: len(endpoint.requests) >= 16)
    wait_until((inner.folder / "run" / "records.jsonl").exists)
    time.sleep(0.5)

    os.killpg(session.pid, signal.SIGINT)
    interrupted_at = time.monotonic()
    out = session.communicate(timeout=20)[0].decode()
    wait_until(lambda: endpoint.abandoned >= 4, limit_s=2.0)

    result = inner.result(session.returncode, out)
    assert 2 == result.exit_status, out
    assert time.monotonic() - interrupted_at < 15
    assert "KeyboardInterrupt" in out
    assert "Traceback" not in out
    answered = sum(record["status"] in {"scored", "unjudged"} for record in result.records)
    assert f"{72 - answered} of 72 items not measured" in out
    assert "--resume" in out

    endpoint.script = quick
    before = len(endpoint.requests)
    resumed = inner.run(*options, "--resume")
    assert 0 == resumed.exit_status, resumed.out
    assert 72 - 12 == len(endpoint.requests) - before
    assert 72 == len({tuple(key) for key in resumed.statuses()})
    assert 72 == len(resumed.records)
