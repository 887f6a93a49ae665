"""What the command line says of a URL."""

from pathlib import Path

import pytest

from kglb.cli.notifying.receiver import URL_VARIABLE, read_headers, read_url
from kglb.cli.output import EXIT_USAGE, Failed

URL = "https://chat.example/hooks/T0KEN"


def test_a_url_may_be_given_or_stand_in_a_file_or_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "url"
    file.write_text(URL + "\n")
    file.chmod(0o600)
    monkeypatch.setenv(URL_VARIABLE, URL + "/3")
    assert read_url(URL, None) == URL
    assert read_url(None, str(file)) == URL
    assert read_url(None, None) == URL + "/3"


@pytest.mark.parametrize(
    "url", ["", "chat.example/T0KEN", "ftp://T0KEN", "http://", "http://a:b/T0KEN", "http://a/T0KEN x"]
)
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(Failed) as failed:
        read_url(url, None)
    assert failed.value.code == EXIT_USAGE
    assert "expected a URL" in failed.value.problem
    assert "T0KEN" not in failed.value.problem


def test_a_file_with_a_secret_that_everybody_may_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "url"
    file.write_text(URL)
    file.chmod(0o644)
    assert read_url(None, str(file)) == URL
    assert f"chmod o-r {file}" in capsys.readouterr().err


def test_headers_may_be_given_or_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("Authorization: Bearer s3cret\n\nX-Team:  lb \n")
    file.chmod(0o600)
    assert read_headers(["X-One: 1", f"@{file}"]) == [
        ("X-One", "1"),
        ("Authorization", "Bearer s3cret"),
        ("X-Team", "lb"),
    ]


@pytest.mark.parametrize("header", ["", "s3cret", "a b: s3cret", "X: s3cret\r\nY: z", "X: s3crét"])
def test_what_is_no_header_is_refused_without_showing_it(tmp_path: Path, header: str) -> None:
    with pytest.raises(Failed) as failed:
        read_headers([header])
    assert failed.value.code == EXIT_USAGE
    assert "s3cr" not in failed.value.problem


def test_a_file_of_headers_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("X: 1\nno header\n")
    with pytest.raises(Failed, match=f"{file}:2: expected a header"):
        read_headers([f"@{file}"])
    with pytest.raises(Failed, match="cannot be read"):
        read_headers([f"@{tmp_path}/nothing"])
