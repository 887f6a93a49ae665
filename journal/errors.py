"""What can be wrong with a journal, as exceptions that name the place and what to do."""

from pathlib import Path

import msgspec

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON it was to decode: also text that is not UTF-8, and brackets
nested too deeply."""


class JournalError(Exception):
    """The base of everything this package raises on its own behalf; errors of the disk stay ``OSError``."""


class Damaged(JournalError):  # noqa: N818 - named for what is the case
    """The journal is not as it was written, from this line on.

    ``line`` counts from 1 in ``file``; ``seq`` is the record that was expected there; ``reason`` says what
    was found.
    """

    def __init__(self, file: Path, line: int, seq: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}, seq {seq}: {reason}")
        self.file = file
        self.line = line
        self.seq = seq
        self.reason = reason


class UnknownFormat(JournalError):  # noqa: N818 - named for what is the case
    """A segment was written in a format that the given decoders do not know."""

    def __init__(self, version: int, known: int) -> None:
        super().__init__(
            f"the segment has format {version}, this software reads {known}: use the version that wrote it"
        )
        self.version = version


class Locked(JournalError):  # noqa: N818 - named for what is the case
    """Another process writes this journal, or whatever else is guarded; ``holder`` names it as far as it is known."""

    def __init__(self, guarded: Path, pid: int) -> None:
        self.holder = f"process {pid}" if pid else "another process"
        super().__init__(f"{guarded} is being written by {self.holder}: stop it, or use another directory")


class NoJournal(JournalError):  # noqa: N818 - named for what is the case
    """There is no journal at this path: no such directory or file, or no segment in it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: expected a journal's directory or one segment (*.jsonl), found neither")
        self.path = path
