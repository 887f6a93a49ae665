"""The receiver's URL and headers, from the command line, a file or the environment. No message shows a secret."""

import os
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from kglb.cli.output import EXIT_USAGE, Failed, warn
from kglb.config.files import UnreadableError, read_text, readable_by_others
from kglb.config.headers import TOKEN, VALUE

URL_VARIABLE = "KGLB_NOTIFY_URL"

_LARGEST = 64 * 1024


def read_url(url: str | None, file: str | None) -> str:
    """The URL: as it was given, or of a file, or of the environment. Raises Failed."""
    if url is not None:
        return _checked(url, "--url")
    if file is not None:
        return _checked(_secret(file).strip(), file)
    if not (value := os.environ.get(URL_VARIABLE)):
        remedy = f"give --url-file, --url or --exec, or set {URL_VARIABLE}"
        raise Failed(EXIT_USAGE, "no receiver is given", remedy)
    return _checked(value, URL_VARIABLE)


def _checked(url: str, where: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url:
        found = "found something else" if url else "found nothing"
        raise Failed(EXIT_USAGE, f"{where}: expected a URL such as https://chat.example/hooks/..., {found}")
    return url


def read_headers(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of headers; of ``@FILE`` those in the file. Raises Failed."""
    return [header for text in texts for header in _headers(text)]


def _headers(text: str) -> Iterator[tuple[str, str]]:
    if not text.startswith("@"):
        yield _header(text, "--header")
        return
    for number, line in enumerate(_secret(text[1:]).splitlines(), start=1):
        if line.strip():
            yield _header(line, f"{text[1:]}:{number}")


def _header(text: str, where: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    value = value.strip(" \t")
    if not (colon and TOKEN.fullmatch(name) and VALUE.fullmatch(value)):
        raise Failed(EXIT_USAGE, f"{where}: expected a header such as 'Authorization: Bearer ...', in printable ASCII")
    return name, value


def _secret(file: str) -> str:
    try:
        text = read_text(file, limit=_LARGEST, regular=True)
    except UnreadableError as error:
        raise Failed(EXIT_USAGE, f"the file {file} {error}") from None
    if readable_by_others(file):
        warn([f"{file} may be read by everybody, and has a secret: chmod o-r {file}"])
    return text
