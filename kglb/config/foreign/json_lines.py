"""On which line of a JSON text each key and list element stands. Like ``lines``, only for text already accepted."""

import json
import re

from kglb.config.problems import Path

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')


def json_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key and list element of a valid JSON text.

    >>> json_lines('{"a":\\n [1,\\n 2]}')
    {('a',): 1, ('a', 0): 2, ('a', 1): 3}
    """
    lines: dict[Path, int] = {}
    path: list[str | int] = []
    line, end, key_expected = 1, 0, False
    for match in _TOKEN.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        found = match[0]
        if key_expected and found[0] == '"':
            path[-1] = json.loads(found)
            lines[tuple(path)] = line
            key_expected = False
            continue
        if found in ("}", "]"):
            path.pop()
            key_expected = False
        elif found == ",":
            key_expected = isinstance(path[-1], str)
            if isinstance(last := path[-1], int):
                path[-1] = last + 1
        elif found != ":":
            if path and isinstance(path[-1], int):
                lines[tuple(path)] = line
            if found in ("{", "["):
                path.append("" if found == "{" else 0)
                key_expected = found == "{"
    return lines
