import ssl
from pathlib import Path

import pytest
from yarl import URL

from deadlight.registry import Endpoint, InvalidEndpointError
from deadlight.registry.endpoint import TlsTrust


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (Endpoint("docker.io"), "https://registry-1.docker.io"),
        (Endpoint("registry.example.com:5000"), "https://registry.example.com:5000"),
        (Endpoint("[::1]:5000"), "https://[::1]:5000"),
        (Endpoint("a.test", url="http://127.0.0.1:5000/"), "http://127.0.0.1:5000"),
        (Endpoint("a.test", url="https://a.test/artifactory/api/docker/x"), "https://a.test/artifactory/api/docker/x"),
    ],
)
def test_the_base_url_follows_from_the_host_unless_given(endpoint: Endpoint, url: str):
    assert endpoint.base_url == URL(url)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ftp://a.test"},
        {"url": "a.test"},
        {"url": "https://"},
        {"url": "https://a.test:99999"},
        {"url": "https://a.test?x=1"},
        {"url": "https://a.test#x"},
        {"url": "https://robot:hunter2@a.test"},
        {"mirrors": ("file:///etc/passwd",)},
        {"username": "robot"},
        {"password": "hunter2"},
        {"username": "ro:bot", "password": "hunter2"},
    ],
)
def test_settings_that_cannot_work_are_refused_without_repeating_secrets(settings: dict[str, str]):
    with pytest.raises(InvalidEndpointError) as caught:
        Endpoint("a.test", **settings)  # type: ignore[arg-type]  # one of the cases is a tuple
    assert "hunter2" not in str(caught.value)


def test_a_password_is_not_shown():
    assert "hunter2" not in repr(Endpoint("a.test", username="robot", password="hunter2"))


def test_credentials_become_a_basic_header_in_utf_8():
    assert Endpoint("a.test", username="robot", password="hunter2").basic_authorization == "Basic cm9ib3Q6aHVudGVyMg=="
    assert Endpoint("a.test", username="r", password="ö").basic_authorization == "Basic cjrDtg=="
    assert not Endpoint("a.test").basic_authorization


def test_certificates_are_left_unchecked_only_for_the_registry_itself():
    trust = TlsTrust.of(Endpoint("a.test", verify_tls=False, mirrors=("https://mirror.test",)))
    assert trust.for_url(URL("https://a.test:5000/v2/")) is False
    assert trust.for_url(URL("https://mirror.test/v2/")) is True
    assert trust.for_url(URL("https://auth.test/token")) is True


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_useless_ca_file_is_refused_by_name(tmp_path: Path, content: str | None):
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidEndpointError, match=r"authorities\.pem"):
        TlsTrust.of(Endpoint("a.test", ca_file=str(path)))


def test_a_ca_file_adds_to_the_system_s_authorities(tmp_path: Path):
    import trustme  # noqa: PLC0415 - slow to import

    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    context = TlsTrust.of(Endpoint("a.test", ca_file=str(tmp_path / "ca.pem"))).for_url(URL("https://a.test"))
    assert isinstance(context, ssl.SSLContext)
    assert context.cert_store_stats()["x509_ca"] == ssl.create_default_context().cert_store_stats()["x509_ca"] + 1
