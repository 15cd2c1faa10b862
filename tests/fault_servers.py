"""Servers for tests/fault_matrix.py that need more than a script: contexts with a base URL, scripts with state."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from tests.endpoint import Endpoint, Reply
from tests.raw_server import RawServer
from tests.real_engine import free_port
from tests.scripts import always, error, plain_error, rate_limited, retry_after_date

OK = always(Reply("Status: SUCCESS"))


def other_words_each_time(request):
    return error(500, f"Failed, see log entry {request.number}.")


def dated_each_time(request):
    return rate_limited(retry_after_date(2)) if request.attempt == 1 else OK(request)


def gateway_of_one_dead_backend(request):
    """Return a script with 502 for sample-1 only.

    Other items are answered between its first attempt and its second.
    """
    if "sample-1?" in request.text:
        return replace(plain_error(502, "Bad Gateway"), delay_s=0.2 if request.attempt > 1 else 0.0)
    return Reply("Status: SUCCESS")


@contextmanager
def nobody_listens() -> Iterator[str]:
    yield f"http://127.0.0.1:{free_port()}/v1"


@contextmanager
def no_such_name() -> Iterator[str]:
    yield "http://no-such-host.invalid:8000/v1"


@contextmanager
def no_tls_there() -> Iterator[str]:
    with Endpoint(OK) as server:
        yield f"https://127.0.0.1:{server.port}/v1"


@contextmanager
def self_signed() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, RawServer(b"", _certificate(Path(folder))) as server:
        yield f"https://localhost:{server.port}/v1"


@contextmanager
def no_http_there() -> Iterator[str]:
    with RawServer(b"SSH-2.0-OpenSSH_9.9\r\n") as server:
        yield f"http://127.0.0.1:{server.port}/v1"


def _certificate(folder: Path) -> SSLContext:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-nodes", "-days", "1", "-newkey", "ec", "-pkeyopt"]
    subprocess.run(
        [*command, "ec_paramgen_curve:prime256v1", *subject, *files], check=True, capture_output=True
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


WITHOUT_SCRIPT = (nobody_listens, no_such_name, no_tls_there, self_signed, no_http_there)
