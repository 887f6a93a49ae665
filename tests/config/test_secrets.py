import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from kglb.config.load import Loaded, load
from kglb.config.problems import ConfigError
from kglb.model import HttpCheck, SecretRef

Write = Callable[..., str]
Accept = Callable[..., Loaded]
Refuse = Callable[..., dict[str, str]]


def with_headers(balancer: Write, headers: str) -> str:
    return balancer(check=f'{{ type = "http", headers = {{ {headers} }} }}')


def headers_of(loaded: Loaded) -> dict[str, str | SecretRef]:
    check = loaded.config.balancers[0].check
    assert isinstance(check, HttpCheck)
    return check.headers


def test_a_secret_of_the_environment_is_only_referred_to(balancer: Write, accept: Accept) -> None:
    loaded = accept(with_headers(balancer, 'Authorization = { env = "TOKEN" }'), {"TOKEN": "s3cret"})
    assert headers_of(loaded) == {"Authorization": SecretRef(env="TOKEN")}
    assert loaded.secrets == {SecretRef(env="TOKEN"): "s3cret"}
    assert loaded.warnings == ()


def test_a_secret_file_is_sought_beside_the_config(tmp_path: Path, balancer: Write) -> None:
    (tmp_path / "token.txt").write_text("s3cret\n")
    config = tmp_path / "config.toml"
    config.write_text(with_headers(balancer, 'X-Any = { file = "token.txt" }'))
    loaded = load(config)
    assert headers_of(loaded) == {"X-Any": SecretRef(file="token.txt")}
    assert loaded.secrets == {SecretRef(file="token.txt"): "s3cret"}


@pytest.mark.parametrize("name", ["Authorization", "proxy-authorization", "COOKIE", "X-Api-Key", "X-Auth-Token"])
def test_a_sensitive_header_in_the_file_is_moved_out_and_warned_about(
    balancer: Write, accept: Accept, name: str
) -> None:
    loaded = accept(with_headers(balancer, f'{name} = "s3cret"'))
    reference = SecretRef(inline=f"balancer[0].check.headers.{name}")
    assert headers_of(loaded) == {name: reference}
    assert loaded.secrets == {reference: "s3cret"}
    assert len(loaded.warnings) == 1


def test_a_secret_is_nowhere_but_in_secrets(balancer: Write, accept: Accept) -> None:
    loaded = accept(with_headers(balancer, 'Cookie = "s3cret", X-A = { env = "TOKEN" }'), {"TOKEN": "s3cret-too"})
    assert b"s3cret" not in msgspec.json.encode(loaded.config)
    assert "s3cret" not in repr(loaded)
    assert "s3cret" not in "".join(loaded.warnings)


@pytest.mark.parametrize("value", ['"s3cret\\n"', '{ env = "TOKEN" }', '{ env = "TOKEN", file = "s" }'])
def test_a_refused_secret_is_not_shown(balancer: Write, refuse: Refuse, value: str) -> None:
    problems = refuse(with_headers(balancer, f"Authorization = {value}"), {"TOKEN": "s3cret\r\nHost: evil"})
    assert list(problems) == ["balancer[0].check.headers.Authorization"]
    assert "s3cret" not in str(problems)


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_a_variable_that_is_not_set_is_a_mistake(balancer: Write, refuse: Refuse, environ: dict[str, str]) -> None:
    problems = refuse(with_headers(balancer, 'Authorization = { env = "TOKEN" }'), environ)
    assert problems == {
        "balancer[0].check.headers.Authorization": "the environment variable TOKEN is not set; "
        "export TOKEN or use a file"
    }


@pytest.mark.parametrize("kind", ["missing", "empty", "directory", "pipe", "huge"])
def test_a_file_without_a_secret_is_a_mistake(tmp_path: Path, balancer: Write, kind: str) -> None:
    secret = tmp_path / "secret"
    if kind == "empty":
        secret.write_text("\n")
    elif kind == "directory":
        secret.mkdir()
    elif kind == "pipe":
        os.mkfifo(secret)
    elif kind == "huge":
        secret.write_text("x" * 100_000)
    config = tmp_path / "config.toml"
    config.write_text(with_headers(balancer, 'X-A = { file = "secret" }'))
    with pytest.raises(ConfigError, match=r"the file secret (cannot be read: (not a r|No such f)|is empty|is larger)"):
        load(config)


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 1), (0o640, 1), (0o644, 2)])
def test_a_config_with_a_secret_that_everybody_may_read_is_warned_about(
    tmp_path: Path, balancer: Write, mode: int, warnings: int
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(with_headers(balancer, 'Cookie = "s3cret"'))
    config.chmod(mode)
    assert len(load(config).warnings) == warnings


@pytest.mark.parametrize(
    "headers",
    [
        '"bad name" = "x"',
        'a = "x\\r\\ny"',
        'a = "é"',
        "a = 5",
        'Host = "a", host = "b"',
        "a = {}",
        'a = { env = "" }',
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(balancer: Write, refuse: Refuse, headers: str) -> None:
    assert all(path.startswith("balancer[0].check.headers.") for path in refuse(with_headers(balancer, headers)))


def test_a_header_the_check_sends_itself_is_warned_about(balancer: Write, accept: Accept) -> None:
    assert "this header is not sent" in accept(with_headers(balancer, 'User-Agent = "me"')).warnings[0]


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_with_a_secret_that_everybody_may_read_is_warned_about(
    tmp_path: Path, balancer: Write, mode: int, warned: bool
) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret")
    secret.chmod(mode)
    config = tmp_path / "config.toml"
    config.write_text(with_headers(balancer, 'X-A = { file = "token" }, X-B = { file = "token" }'))
    config.chmod(0o644)
    found = [warning for warning in load(config).warnings if "token" in warning]
    assert [warning.partition(": ")[2] for warning in found] == warned * [
        "the file token holds a secret and everybody may read it; chmod o-r"
    ]
