"""Limit the number of connections to what the operating system allows: a process may open a limited number of files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from qcal_plugin.cli.options import RunConfig

RESERVED = 128
"""Reserved for files, pipes to workers, the event loop, certificates, and sockets that are being closed."""


def within_limit(config: RunConfig) -> tuple[RunConfig, tuple[str, ...]]:
    """Return the options with a concurrency that the limit allows, and a line for the user if that is lower.

    The soft limit is raised first, as far as the hard limit allows.
    """
    asked = config.concurrency + (config.judge_concurrency if config.judges else 0)
    granted = _raised_limit(asked + RESERVED)
    if granted is None or granted >= asked + RESERVED:
        return config, ()
    room = max(2, granted - RESERVED, granted // 4)
    model = max(1, config.concurrency * room // asked)
    judge = max(1, config.judge_concurrency * room // asked)
    less = replace(
        config,
        concurrency=min(model, config.concurrency),
        judge_concurrency=min(judge, config.judge_concurrency),
    )
    of_judges = f" and {less.judge_concurrency} for judges" if config.judges else ""
    line = (
        f"at most {granted} files may be open here, so {less.concurrency} requests are in flight{of_judges}, not "
        f"{config.concurrency}{f' and {config.judge_concurrency}' if config.judges else ''}; raise the limit: ulimit -n"
    )
    return less, (line,)


def _raised_limit(wanted: int) -> int | None:
    """Raise the soft limit and return it; None without a limit, or if it cannot be read, as on Windows."""
    try:
        import resource
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    if soft < wanted:
        with suppress(OSError, ValueError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
