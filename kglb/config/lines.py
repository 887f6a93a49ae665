"""On which line of a TOML text each key and list element stands.

``tomllib`` keeps no positions. This scanner runs only on text that ``tomllib`` has accepted, and only when
there is something to complain about, so it can be small: it checks nothing and never interprets a value.
"""

import contextlib
import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

from kglb.config.problems import Path

_TOKEN = re.compile(
    r"""
      (?P<space> [ \t\r]+ | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<string> \"\"\" (?:\\.|[^\\])*? \"{3,5} | ''' .*? '{3,5} | " (?:\\.|[^"\\])* " | ' [^']* ' )
    | (?P<mark> [\[\]{}=,.] )
    | (?P<bare> [^\s\[\]{}=,.\#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup and match.lastgroup != "space":
            yield _Token(match.lastgroup, match[0], line)
        line += match[0].count("\n")
    yield _Token("end", "", line)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._last_index: dict[Path, int] = {}
        self._tokens = _tokens(text)
        self._token = next(self._tokens)

    def document(self) -> None:
        table: Path = ()
        while self._token.kind != "end":
            if self._token.kind == "newline":
                self._advance()
            elif self._token.text == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line = self._advance().line
        is_list = self._token.text == "["
        if is_list:
            self._advance()
        *outer, name = self._keys("]")
        path: Path = ()
        for key in outer:
            path += (key,)
            if path in self._last_index:
                path += (self._last_index[path],)
        path += (name,)
        if is_list:
            self._advance()
            index = self._last_index[path] = self._last_index.get(path, -1) + 1
            self.lines.setdefault(path, line)
            path += (index,)
        self.lines[path] = line
        return path

    def _pair(self, table: Path) -> None:
        line = self._token.line
        path = table
        for key in self._keys("="):
            path += (key,)
            self.lines.setdefault(path, line)
        self._value(path)

    def _keys(self, end: str) -> list[str]:
        keys = []
        while (token := self._advance()).text != end:
            if token.kind == "string":
                keys.append(tomllib.loads(f"key = {token.text}")["key"])
            elif token.kind == "bare":
                keys.append(token.text)
        return keys

    def _value(self, path: Path) -> None:
        match self._advance().text:
            case "[":
                self._elements(path)
            case "{":
                while self._skip_to_element("}"):
                    self._pair(path)
            case _:
                while self._token.kind == "bare" or self._token.text == ".":
                    self._advance()

    def _elements(self, path: Path) -> None:
        index = 0
        while self._skip_to_element("]"):
            self.lines[*path, index] = self._token.line
            self._value((*path, index))
            index += 1

    def _skip_to_element(self, end: str) -> bool:
        while self._token.kind == "newline" or self._token.text == ",":
            self._advance()
        if self._token.text == end:
            self._advance()
            return False
        return True

    def _advance(self) -> _Token:
        token = self._token
        self._token = next(self._tokens, token)
        return token


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, table header and list element of a valid TOML text."""
    scanner = _Scanner(text)
    with contextlib.suppress(RecursionError):
        scanner.document()
    return scanner.lines
