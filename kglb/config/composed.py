"""One document from several files: ``include`` adds balancers, ``[defaults]`` gives the keys that they lack.

It is composed before anything is interpreted, so that every reader and rule sees one document. The place of each value
is kept, so that a mistake is reported there. Reads files, and interprets no value but names of files.
"""

import glob
import os
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from kglb.config.balancers import read_defaults
from kglb.config.files import UnreadableError, read_text
from kglb.config.problems import ConfigError, Path, show
from kglb.config.reader import Node, Place, Reading, attempt
from kglb.config.values import did_you_mean

_OF_INCLUDED = ("balancer", "defaults")

Parse = Callable[[str, str], dict[str, object]]
"""The document of a text, and the name of its file for messages. Raises ConfigError."""


class Part(msgspec.Struct):
    """A file, and which balancer of the whole is its first; ``source`` is empty for the config itself."""

    source: str
    document: dict[str, Any]
    reading: Reading
    first: int = 0

    @property
    def balancers(self) -> list[Any]:
        """Its own balancers as they were written."""
        own = self.document.get("balancer", [])
        return own if isinstance(own, list) else []

    @property
    def defaults(self) -> dict[str, Any]:
        """What its balancers need not say."""
        defaults = self.document.get("defaults", {})
        return defaults if isinstance(defaults, dict) else {}


class Composed(Reading):
    """A reading of a document that was put together from ``parts``, the config itself first."""

    parts: list[Part] = msgspec.field(default_factory=list)

    @property
    def files(self) -> tuple[str, ...]:
        """Those that are included."""
        return tuple(part.source for part in self.parts[1:])

    def place(self, path: Path) -> Place:
        """In the file that it came from."""
        part, path = self._origin(path)
        return part.reading.place(path)._replace(file=part.source)

    def _origin(self, path: Path) -> tuple[Part, Path]:
        main = self.parts[0]
        match path:
            case ("balancer", int(index), *rest):
                part = next((one for one in reversed(self.parts) if one.balancers and one.first <= index), main)
                index -= part.first
                own = part.balancers[index] if index < len(part.balancers) else None
                if rest and isinstance(own, dict) and rest[0] not in own:
                    for giving in (part, main):
                        if rest[0] in giving.defaults:
                            return giving, ("defaults", *rest)
                return part, ("balancer", index, *rest)
            case ("include", int(number), str(), *_):
                return self.parts[number], path[2:]
            case _:
                return main, path


def compose(document: dict[str, Any], reading: Reading, directory: str, parse: Parse, *, limit: int) -> Node:
    """The whole document. Files are sought from ``directory``, and may have ``limit`` bytes together.

    What is wrong with the files is among the reading's problems.
    """
    if "include" not in document and "defaults" not in document:
        return Node(document, (), reading)
    main = Part("", document, reading)
    composed = Composed(reading.document, reading.secrets, parts=[main])
    for part in _included(Node(document.get("include", []), ("include",), composed), directory, parse, limit):
        composed.parts.append(part)
        _look_through(part, len(composed.parts) - 1, composed)
    if not isinstance(document.get("balancer", []), list) or not any(
        "balancer" in part.document for part in composed.parts
    ):
        return Node(document, (), composed)
    balancers: list[Any] = []
    for part in composed.parts:
        part.first = len(balancers)
        inherited = main.defaults | part.defaults
        balancers += (inherited | own if isinstance(own, dict) else own for own in part.balancers)
    return Node(document | {"balancer": balancers}, (), composed)


def _look_through(part: Part, number: int, composed: Composed) -> None:
    """What is wrong with an included file, but for its balancers."""
    for name in part.document:
        if name not in _OF_INCLUDED:
            hint = did_you_mean(name, _OF_INCLUDED) or "it belongs into the config that includes this file"
            composed.problems.append(
                composed.problem(
                    ("include", number, name), "an included file has [[balancer]] and [defaults] only", hint
                )
            )
    if not isinstance(part.document.get("balancer", []), list):
        composed.problems.append(
            composed.problem(("include", number, "balancer"), "expected a list of tables", "write [[balancer]]")
        )
    if "defaults" in part.document:
        attempt(Node(part.document["defaults"], ("include", number, "defaults"), composed), read_defaults)


def _included(node: Node, directory: str, parse: Parse, limit: int) -> Iterator[Part]:
    """The files that are included, in the order of the patterns, those of one by name, each once."""
    seen: set[str] = set()
    for index, pattern in enumerate(node.value if isinstance(node.value, list) else []):
        if not isinstance(pattern, str) or not pattern:
            continue  # the reader says so
        at = Node(pattern, ("include", index), node.reading)
        names = sorted(glob.glob(os.path.join(glob.escape(directory), pattern)))
        if not names and glob.escape(pattern) == pattern:
            at.fail(f"there is no file {show(pattern)}", "names are sought from the config's directory")
        for name in names:
            identity = os.path.realpath(name)
            if identity in seen:
                continue
            seen.add(identity)
            source = os.fsencode(name).decode("utf-8", "backslashreplace")
            try:
                text = read_text(name, limit=limit, regular=True)
                limit -= len(text)
                yield Part(source, parse(text, source), Reading(text, node.reading.secrets))
            except UnreadableError as error:
                at.fail(f"{source} {error}")
            except ConfigError as error:
                node.reading.problems += (msgspec.structs.replace(one, file=source) for one in error.problems)
