"""Wait for events in another thread or process."""

import time


def wait_until(condition, limit_s=40.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
