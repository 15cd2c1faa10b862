"""Recognize credentials in options whose values are recorded: by a field's name, or by the form of the value."""

from __future__ import annotations

import re

from scoring.reference import JSON

_NAME = re.compile(
    r"secret|passw(or)?d|passphrase|authorization|credential|cookie|bearer|signature|^(pwd|auth|key|token|sig)$"
    r"|(api|access|private|account|subscription|encryption|signing|master|service|shared|model|judge|user|auth)[_-]?key$"
    r"|(access|auth|refresh|id|api|session|security|bearer|csrf|hub|hf)[_-]?token$",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\b(Bearer|Basic)\s+(?=\S*[\d=])[\w+/.=~-]{8,}"
    r"|\b(sk|pk|rk|nvapi|gsk|xai|glpat|pypi)-[\w-]{16,}"
    r"|\b(gh[pousr]|github_pat|hf|xox[abprs]|npm|r8|AIza|AKIA|ASIA|ya29)[_.-]?[A-Za-z0-9][\w-]{14,}"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\w+://[^/\s:@]*:[^/\s@]+@"
)


def looks_like_credential(text: str) -> bool:
    """Return whether the text holds a key or token as providers issue them, or a URL with a password."""
    return bool(_VALUE.search(text))


def credential_in(value: JSON, name: str = "") -> str | None:
    """Return the path of a credential in a request body, such as ``auth.api_key``; None if there is none.

    A string or number under the name of a credential counts, and so does a string that looks like one.
    """
    match value:
        case dict():
            entries = [(f"{name}.{key}" if name else key, item) for key, item in value.items()]
        case list():
            entries = [(f"{name}[{place}]", item) for place, item in enumerate(value)]
        case str():
            entries = []
            if value and (_is_secret_name(name) or looks_like_credential(value)):
                return _shown(name)
        case int() | float() if not isinstance(value, bool):
            return _shown(name) if _is_secret_name(name) else None
        case _:
            return None
    if named := next((path for path, _ in entries if looks_like_credential(path.rpartition(".")[2])), None):
        return _shown(named)
    return next((inner for path, item in entries if (inner := credential_in(item, path))), None)


def _is_secret_name(path: str) -> bool:
    """Return whether the innermost named field of a path has the name of a credential."""
    return bool(_NAME.search(re.sub(r"(\[\d+\])+$", "", path).rpartition(".")[2]))


def _shown(path: str) -> str:
    return "a field's name" if looks_like_credential(path) else path or "the value"
