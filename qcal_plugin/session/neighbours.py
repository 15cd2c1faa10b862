"""Look for a server near a URL that does not work: with /v1, with http instead of https, or on another port.

It only requests lists of models (GET), and never sends the key, which belongs to the given URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from qcal_plugin.engine.network import proxy_for, ssl_context
from qcal_plugin.engine.targets import Target, parse_target

TIMEOUT_S = 2.0
USUAL_PORTS = (8000, 8080, 11434, 1234, 30000)
"""vLLM, llama.cpp, Ollama, LM Studio, SGLang."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def answering_neighbour(target: Target, *, connected: bool) -> str | None:
    """Return the base URL of a neighbour that lists models or requires a key; None if there is none.

    ``connected`` is whether something answered at the target itself, so that its port is right.
    """
    tried = (_other_scheme(target), *(_other_paths(target) if connected else _other_ports(target)))
    return next((url for url in dict.fromkeys(filter(None, tried)) if _answers(parse_target(url))), None)


def _other_scheme(target: Target) -> str:
    scheme, _, rest = target.public_url.partition("://")
    return f"{'http' if scheme == 'https' else 'https'}://{rest}"


def _other_paths(target: Target) -> Iterator[str]:
    """Yield the URL with /v1 after the path, and after the host alone."""
    yield from (url for url in (f"{target.public_url}/v1", f"{target.server}/v1") if url != target.public_url)
    if target.public_url != target.server:
        yield target.server


def _other_ports(target: Target) -> Iterator[str]:
    """Yield URLs with the usual ports of this machine; other machines are not searched."""
    parts = urlsplit(target.public_url)
    if parts.hostname in LOOPBACK:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        yield from (f"http://{host}:{port}/v1" for port in USUAL_PORTS if port != parts.port)


def _answers(target: Target) -> bool:
    import httpx

    try:
        proxy = proxy_for(target.models_url)
        response = httpx.get(
            target.models_url,
            timeout=TIMEOUT_S,
            proxy=None if proxy is None else proxy.url,
            verify=ssl_context(),
            trust_env=False,
        )
        listed = (
            response.status_code == 200 and isinstance(response.json(), dict) and "data" in response.json()
        )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
        return False
    return listed or response.status_code in {401, 403}
