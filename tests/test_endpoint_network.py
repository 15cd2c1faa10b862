"""Proxies and certificates from the environment, and messages about settings that cannot work."""

import pytest

from qcal_plugin.engine.network import NetworkError, proxy_for, ssl_context

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("expected", "url", "environ"),
    [
        (None, "http://vlm:8000/v1", {}),
        (PROXY, "http://vlm:8000/v1", {"HTTP_PROXY": PROXY}),
        (PROXY, "http://vlm:8000/v1", {"http_proxy": PROXY, "HTTP_PROXY": "http://other:1"}),
        (None, "https://vlm/v1", {"HTTP_PROXY": PROXY}),
        (PROXY, "https://vlm/v1", {"HTTPS_PROXY": "proxy.example:3128"}),
        ("socks5://127.0.0.1:1080", "https://vlm/v1", {"ALL_PROXY": "socks5://127.0.0.1:1080"}),
        (PROXY, "https://vlm/v1", {"HTTPS_PROXY": "http://user:secret@proxy.example:3128"}),
    ],
)
def test_the_proxy_is_that_of_the_urls_scheme(expected, url, environ):
    proxy = proxy_for(url, environ)
    assert expected == (None if proxy is None else proxy.public_url)
    assert "secret" not in repr(proxy)


@pytest.mark.parametrize(
    ("exempt", "url", "no_proxy"),
    [
        (True, "http://10.1.2.3:8000", "10.0.0.0/8"),
        (False, "http://11.1.2.3:8000", "10.0.0.0/8"),
        (False, "http://vlm:8000", "10.0.0.0/8"),
        (True, "http://127.0.0.1:8000", "localhost, 127.0.0.1"),
        (True, "http://[::1]:8000", "::1"),
        (True, "http://[fd00::5]:8000", "fd00::/8"),
        (True, "http://gpu.lab.example", ".lab.example"),
        (True, "http://gpu.lab.example", "lab.example"),
        (True, "http://gpu.lab.example", "*.lab.example"),
        (False, "http://notlab.example", "lab.example"),
        (True, "http://vlm:8000", "vlm:8000"),
        (False, "http://vlm:8001", "vlm:8000"),
        (True, "http://anything", "*"),
        (False, "http://vlm", " , "),
    ],
)
def test_no_proxy_takes_names_addresses_networks_and_ports(exempt, url, no_proxy):
    proxy = proxy_for(url, {"HTTP_PROXY": PROXY, "NO_PROXY": no_proxy})
    assert exempt == (proxy is None)


@pytest.mark.parametrize("value", ["ftp://proxy:21", "http://", "http://proxy:port", "://"])
def test_a_variable_that_names_no_proxy_is_named_without_its_value(value):
    with pytest.raises(
        NetworkError, match=r"^HTTPS_PROXY is not a proxy URL; expected something like http://proxy"
    ):
        proxy_for("https://vlm", {"HTTPS_PROXY": value})


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_missing_or_malformed_certificate_file_is_named(variable, tmp_path):
    with pytest.raises(NetworkError, match=rf"^{variable}=/no/such.pem: the file does not exist"):
        ssl_context({variable: "/no/such.pem"})
    (tmp_path / "notes.pem").write_text("hello")
    with pytest.raises(NetworkError, match="not a certificate bundle"):
        ssl_context({variable: str(tmp_path / "notes.pem")})
