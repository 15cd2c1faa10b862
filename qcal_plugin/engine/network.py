"""Proxies and certificates from the environment, with errors of one line.

The HTTP clients do not read these variables: they disagree about ``NO_PROXY``, and fail with a traceback if a
certificate file is missing.

NetworkError    a variable of the environment cannot be used; the message names it
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from scoring.errors import QCalError

PROXY_SCHEMES = frozenset({"http", "https", "socks5", "socks5h", "socks4"})
_PROXY_VARIABLES = frozenset({"http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "ftp_proxy"})
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class NetworkError(QCalError):
    """The environment's proxy or certificate settings cannot be used. The message is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy on the way to an endpoint.

    Attributes:
        url: value of the variable, with credentials; in no repr or message.
        variable: the environment variable that names it.
        public_url: without credentials, for messages.
    """

    url: str = field(repr=False)
    variable: str
    public_url: str

    @property
    def is_socks(self) -> bool:
        """Whether the proxy uses SOCKS, not HTTP."""
        return self.public_url.startswith("socks")


def proxy_for(url: str, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy that the environment names for a URL; None to connect directly. Raises NetworkError.

    ``NO_PROXY`` takes host names (their subdomains included), addresses, networks such as 10.0.0.0/8, each
    with an optional port, and ``*``.
    """
    parts = urlsplit(url)
    if _is_exempt(parts, _variable(environ, "no_proxy")[1]):
        return None
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        variable, value = _variable(environ, name)
        if value:
            return _proxy(variable, value)
    return None


def proxy_credentials(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the credentials in the environment's proxy URLs: passwords, and user names without a password."""
    values = [environ.get(name, "") for name in environ if name.lower() in _PROXY_VARIABLES]
    return tuple(dict.fromkeys(form for value in values for form in _user_info(value)))


def _user_info(url: str) -> Iterator[str]:
    """Yield the user info as written and as sent."""
    user_info, at, _ = url.partition("://")[-1 if "://" in url else 0].rpartition("@")
    if at:
        name, _, password = user_info.partition(":")
        for form in (str, unquote):
            yield from (form(user_info), form(password or name))


def ssl_context(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return a context that trusts the system's certificates, certifi's, and a bundle named in the environment.

    The context is shared, since parsing some 150 certificates takes 30 ms.
    Raises NetworkError if a variable names a file that is missing or holds no certificate.
    """
    named = ((variable, environ.get(variable, "").strip()) for variable in CERTIFICATE_VARIABLES)
    return _context(tuple((variable, path, _changed_at(path)) for variable, path in named if path))


@lru_cache(maxsize=4)
def _context(bundles: tuple[tuple[str, str, int], ...]) -> ssl.SSLContext:
    """Return a context with these bundles: variable, path, and time of the file's last change."""
    import certifi

    context = _system_context()
    context.load_verify_locations(certifi.where())
    for variable, path, _ in bundles:
        _load(context, variable, path)
    return context


def _changed_at(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _system_context() -> ssl.SSLContext:
    """Return a context with the system's certificates. On Windows and macOS these are not in a file."""
    if sys.platform in {"win32", "darwin"}:
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context()


def _load(context: ssl.SSLContext, variable: str, path: str) -> None:
    folder = Path(path).is_dir()
    try:
        context.load_verify_locations(cafile=None if folder else path, capath=path if folder else None)
    except FileNotFoundError:
        raise NetworkError(
            f"{variable}={path}: the file does not exist; correct or unset the variable"
        ) from None
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NetworkError(
            f"{variable}={path}: not a certificate bundle ({reason}); correct or unset it"
        ) from error


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the variable's spelling and value. Lower case has precedence, as in curl."""
    spelling = name if environ.get(name) else name.upper()
    return spelling, environ.get(spelling, "").strip()


def _proxy(variable: str, value: str) -> Proxy:
    url = value if "://" in value else f"http://{value}"
    parts = urlsplit(url)
    try:
        usable = (
            parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        usable = False
    if not usable:
        expected = "expected something like http://proxy.example:3128 or socks5://127.0.0.1:1080"
        raise NetworkError(f"{variable} is not a proxy URL; {expected}")
    return Proxy(url=url, variable=variable, public_url=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")


def _is_exempt(target: SplitResult, no_proxy: str) -> bool:
    host = (target.hostname or "").lower().rstrip(".")
    port = target.port or {"http": 80, "https": 443}.get(target.scheme)
    return any(_matches(entry.strip().lower(), host, port) for entry in no_proxy.split(",") if entry.strip())


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    network = _network(entry)
    if network is not None:
        address = _address(host)
        return address is not None and address in network
    name, _, wanted_port = (
        entry.rpartition(":") if entry.count(":") == 1 or "]:" in entry else (entry, "", "")
    )
    if wanted_port and wanted_port != str(port):
        return False
    name = name.strip("[]").removeprefix("*").lstrip(".").rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
