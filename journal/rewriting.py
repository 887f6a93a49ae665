"""One segment as it will be after a repair: taken over from files, with lines put in."""

from contextlib import suppress
from pathlib import Path

from journal.files import OsFiles
from journal.setting_aside import append
from journal.stretches import Stretch


class Rewriting:
    """The new contents of a segment that begins with ``opening``; at ``finish`` they replace the old ones.

    ``seq`` is the number of the next record, ``chain`` the checksum that it continues. Until something differs from
    what the file holds, nothing is written.
    """

    def __init__(self, files: OsFiles, opening: Stretch) -> None:
        self._files = files
        self.path = opening.segment.path
        self._draft = self.path.with_name(self.path.name + ".repairing")
        self._fd: int | None = None
        self._same = 0  # how much is the same as in the file
        self.seq, self.chain = opening.begin.seq, opening.begin.chain or 0

    def take(self, stretch: Stretch) -> None:
        """Go on with a stretch, of this segment's file or another."""
        self._take(stretch.segment.path, stretch.begin.offset, stretch.end.offset)
        self.seq, self.chain = stretch.end.seq, stretch.end.chain or 0

    def take_rest(self, stretch: Stretch) -> None:
        """Go on with what is behind a stretch: half a line, which the next start sets aside."""
        self._take(stretch.segment.path, stretch.end.offset, self._files.size_of(stretch.segment.path))

    def add(self, line: bytes, chain: int) -> None:
        """Go on with a line of our own, whose checksum is ``chain``."""
        fd = self._drafted()
        view = memoryview(line)
        while view:
            view = view[self._files.write(fd, view) :]
        self.seq, self.chain = self.seq + 1, chain

    @property
    def differs(self) -> bool:
        """Whether the file is to be replaced."""
        return self._fd is not None or self._same != self._files.size_of(self.path)

    def finish(self) -> None:
        """Put the new contents in the old one's place, at once and for good. Raises ``OSError``."""
        if not self.differs:
            return
        self._files.sync(self._drafted())
        self.close()
        self._files.rename(self._draft, self.path)
        self._files.sync_directory(self.path.parent)

    def abandon(self) -> None:
        """Leave the file as it is."""
        if self._fd is not None:
            self.close()
            with suppress(OSError):
                self._files.remove(self._draft)

    def close(self) -> None:
        """Give the draft's descriptor back."""
        if self._fd is not None:
            self._files.close(self._fd)
            self._fd = None

    def _take(self, source: Path, begin: int, end: int) -> None:
        if self._fd is None and (source, begin) == (self.path, self._same):
            self._same = end
        elif begin < end:
            self._copy(source, begin, end, self._drafted())

    def _drafted(self) -> int:
        if self._fd is None:
            self._fd = self._files.create(self._draft)
            self._copy(self.path, 0, self._same, self._fd)
        return self._fd

    def _copy(self, source: Path, begin: int, end: int, target: int) -> None:
        fd = self._files.open_read(source)
        try:
            append(self._files, fd, target, begin, end)
        finally:
            self._files.close(fd)
