"""A file that is written again and again: at first it has to be possible, later it is a pity if it is not."""

from pathlib import Path

import pytest

from kglb.cli.notifying.rewritten import Rewritten
from kglb.cli.output import EXIT_ENVIRONMENT, Failed

FULL, BROKEN = OSError(28, "No space left on device"), OSError(5, "Input/output error")


class Disk:
    """Takes what is written, or fails as it is told to."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.written: list[int] = []
        self.said: list[str] = []

    def file(self, path: Path | None = Path("/state")) -> Rewritten[int]:
        return Rewritten(path, self._write, option="--state", say=self.said.append, otherwise="it gets old")

    def _write(self, path: Path, content: int) -> None:
        assert path == Path("/state")
        if self.error is not None:
            raise self.error
        self.written.append(content)


def test_a_disk_that_refuses_the_first_time_is_the_end() -> None:
    disk = Disk()
    disk.error = FULL
    with pytest.raises(Failed, match="/state: No space left on device") as failed:
        disk.file().begin(1)
    assert failed.value.code == EXIT_ENVIRONMENT
    assert failed.value.remedy.startswith("--state names a file")


def test_a_disk_that_fails_later_is_said_once_and_again_when_it_fails_anew_or_otherwise() -> None:
    disk = Disk()
    file = disk.file()
    file.begin(1)
    for number, error in enumerate((FULL, FULL, BROKEN, None, BROKEN), start=2):
        disk.error = error
        file.write(number)
    assert disk.written == [1, 5]
    assert [said.split(": ") for said in disk.said] == [
        ["/state", "No space left on device", "it gets old"],
        ["/state", "Input/output error", "it gets old"],
        ["/state", "Input/output error", "it gets old"],
    ]


def test_no_file_is_never_written() -> None:
    disk = Disk()
    file = disk.file(None)
    file.begin(1)
    file.write(2)
    assert disk.written == []
