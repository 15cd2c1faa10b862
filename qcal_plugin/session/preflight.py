"""One cheap call before a run: check that the endpoint answers and accepts the key, and which models it serves.

PreflightError    the endpoint cannot be used; the message says what happened, where, and what to do
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from qcal_plugin.engine.failures import message_line, server_message
from qcal_plugin.engine.network import proxy_for, ssl_context
from qcal_plugin.engine.targets import TargetOption
from qcal_plugin.engine.transport import MAX_REDIRECTS, stays_on_host
from qcal_plugin.session.neighbours import answering_neighbour
from scoring.errors import QCalError

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0


class PreflightError(QCalError):
    """The endpoint cannot be used as given; ``str()`` is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedTarget:
    """An endpoint that answered, with the model to ask. ``warning`` is one line for the user, or None."""

    option: TargetOption
    model: str
    warning: str | None = None


def resolve_target(option: TargetOption, flag: str) -> ResolvedTarget:
    """Ask the endpoint for its models.

    `flag` is ``--model`` or ``--judge``, for messages. Raises PreflightError.

    Servers differ: the list may be missing, empty, or contain other names than the one to send. So only a
    missing connection, a refused key and a missing model name are errors.
    """
    import httpx

    place = f"{flag}-url {option.target.public_url}"
    try:
        response = get(option, option.target.models_url)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
        neighbour = answering_neighbour(option.target, connected=False)
        remedy = f"; did you mean {flag}-url {neighbour}?" if neighbour else _NOT_RUNNING
        raise PreflightError(
            f"{place}: no connection ({message_line(option.redaction.text(str(error)))}){remedy}"
        ) from error
    except httpx.HTTPError as error:
        return _without_list(
            option, flag, f"{place}: no list of models ({type(error).__name__})", status=None
        )
    if _refuses_key(response):
        raise PreflightError(_refusal(option, place, flag, response))
    if elsewhere := _elsewhere(response):
        raise PreflightError(f"{place}: {option.redaction.text(elsewhere)}; give the URL of the API itself")
    models = _models(response.status_code, option.redaction.reply(response.content))
    if models is None:
        said = server_message(option.redaction.error(response.content)) if response.status_code != 200 else ""
        problem = f"{place}: no list of models (HTTP {response.status_code}{f': {said}' if said else ''})"
        return _without_list(option, flag, problem, status=response.status_code)
    return _chosen_model(option, flag, place, models)


def get(option: TargetOption, url: str) -> httpx.Response:
    """GET a URL of the endpoint through the environment's proxy, following redirects on the same host.

    Raises httpx.HTTPError, and NetworkError if the environment's settings cannot be used.
    """
    import httpx

    proxy = proxy_for(url)
    with httpx.Client(
        headers=option.request_headers,
        timeout=TIMEOUT_S,
        proxy=None if proxy is None else proxy.url,
        verify=ssl_context(),
        trust_env=False,
    ) as client:
        for _ in range(MAX_REDIRECTS):
            response = client.get(url)
            location = urljoin(url, response.headers.get("location", ""))
            if response.status_code not in {307, 308} or not stays_on_host(url, location):
                break
            url = location
        return response


def _refuses_key(response: httpx.Response) -> bool:
    """Return whether the key is refused: by status or, as Google's servers do, by a message with status 400."""
    names_the_key = response.status_code == 400 and re.search(
        r"\b(api[ _-]?)?key\b", response.text[:2000], re.IGNORECASE
    )
    return response.status_code in {401, 403} or bool(names_the_key)


def _elsewhere(response: httpx.Response) -> str | None:
    """Return what the reply is if not an API: a redirect to another host, or a web page such as a sign-in form."""
    if response.is_redirect:
        target = message_line(response.headers.get("location", "").partition("?")[0])
        return f"HTTP {response.status_code} redirects to {target or 'nowhere'}"
    if response.status_code == 200 and response.headers.get("content-type", "").startswith("text/html"):
        title = re.search(r"<title[^>]*>([^<]{0,200})", response.text[:20_000], re.IGNORECASE)
        return "answers with a web page" + (f" ({message_line(title[1])})" if title else "")
    return None


_NOT_RUNNING = "; is the server running, and are host and port right?"


def _without_list(option: TargetOption, flag: str, problem: str, *, status: int | None) -> ResolvedTarget:
    """Resolve an endpoint without a list of models; it may still serve chat completions.

    Raises PreflightError if a neighbour has a list, or if the address of chat completions is not found
    either. A full URL of chat completions is not checked.
    """
    if neighbour := answering_neighbour(option.target, connected=True):
        raise PreflightError(f"{problem}; did you mean {flag}-url {neighbour}?")
    if status == 404 and not option.target.is_chat_url and _is_absent(option):
        raise PreflightError(
            f"{problem}, and no chat completions either; check the URL, which for most servers ends in /v1, "
            f"or give the full one: .../chat/completions"
        )
    return _named_model(option, flag, problem)


def _is_absent(option: TargetOption) -> bool:
    """Return whether a GET of chat completions gives 404.

    A server that has them refuses only the method, for example with 405.
    """
    import httpx

    try:
        response = get(option, option.target.chat_url)
    except httpx.HTTPError:
        return False
    return response.status_code == 404


def _chosen_model(option: TargetOption, flag: str, place: str, models: list[str]) -> ResolvedTarget:
    listed = ", ".join(models[:10]) + (", ..." if len(models) > 10 else "")
    if option.model is None:
        if len(models) != 1:
            raise PreflightError(
                f"{place}: name the model with {_model_flag(flag)}; listed there: {listed or 'none'}"
            )
        return ResolvedTarget(option=option, model=models[0])
    unlisted = models and option.model not in models
    close = get_close_matches(option.model, models, n=1)
    meant = f"; did you mean {close[0]}?" if close else ""
    warning = (
        f"{place} does not list {option.model!r} (listed: {listed}); asking for it anyway{meant}"
        if unlisted
        else None
    )
    return ResolvedTarget(option=option, model=option.model, warning=warning)


def _named_model(option: TargetOption, flag: str, problem: str) -> ResolvedTarget:
    if option.model is None:
        raise PreflightError(f"{problem}; name the model with {_model_flag(flag)}, or correct the URL")
    return ResolvedTarget(
        option=option, model=option.model, warning=f"{problem}; asking for {option.model!r} anyway"
    )


def _refusal(option: TargetOption, place: str, flag: str, response: httpx.Response) -> str:
    said = server_message(option.redaction.error(response.content))
    if option.key:
        remedy = f"the key in {option.key_variable} is refused"
    else:
        remedy = (
            f"it requires a key: export {option.key_variable}, or name another variable with {flag}-key-env"
        )
    return f"{place}: HTTP {response.status_code}: {remedy}" + (f" ({said})" if said else "")


def _models(status: int, body: bytes) -> list[str] | None:
    """Return the listed ids; None if the reply is not a list of models."""
    if status != 200:
        return None
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    entries = data.get("data") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        return None
    return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def _model_flag(flag: str) -> str:
    return flag if flag == "--model" else f"{flag}-model"
