"""End a session at SIGTERM and SIGHUP as at Ctrl-C: requests are cancelled and the tables are printed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("SIGTERM", "SIGHUP")


@contextmanager
def ending_as_ctrl_c() -> Iterator[None]:
    """Treat these signals as Ctrl-C, unless they are ignored, as under nohup, or handled elsewhere."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
