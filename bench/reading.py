"""What the verbs that read a journal cost, in seconds of CPU beside the imports: ``python -m bench.reading``.

One service of 100 reals, of which 99 go up and down in turn; segments as the daemon makes them. The hundredth real, the
VIP and the mode have been as they are since the beginning, so that what explains them lies as far back as can be.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.format import encode_body, encode_line
from journal.segments import segment_path
from kglb.cli import explain, failures, replay, tail  # so that imports are not measured
from kglb.cli.main import main as kglb_actors
from tests.projections.builders import real_id
from tests.replay.journals import MILLISECOND, START, Fleet, JournalBuilder, running

REALS = 100
SEGMENT = 16 << 20
IMPORTED = explain, failures, replay, tail


class Writer:
    """Writes a builder's records without opening the file for each."""

    def __init__(self, builder: JournalBuilder) -> None:
        self._builder = builder
        self._file = builder.path.open("ab", buffering=1 << 20)
        builder._write = self.write  # type: ignore[method-assign]

    def write(self, event: bytes, cause: int | None) -> int:
        """Append a record; returns its seq."""
        builder = self._builder
        builder.seq += 1
        builder.now += MILLISECOND
        at = builder.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        body = encode_body(builder.seq, at, (builder.now - START).total_seconds(), cause, event)
        line, builder._chain = encode_line(body, builder._chain)
        self._file.write(line)
        return builder.seq

    def rotate_if_full(self) -> None:
        """Begin a new segment where the daemon would."""
        if self._file.tell() > SEGMENT:
            self._file.close()
            self._file = segment_path(self._builder.directory, self._builder.seq + 1).open("ab", buffering=1 << 20)
            self._builder.rotate()

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def generate(directory: Path, records: int) -> Fleet:
    """A journal of so many records."""
    fleet = running(directory, reals=REALS)
    writer = Writer(fleet.builder)
    up = dict.fromkeys(range(1, REALS), True)
    number = 0
    while fleet.builder.seq < records:
        number = number % (REALS - 1) + 1
        up[number] = not up[number]
        fleet.goes(real_id(number), up=up[number])
        writer.rotate_if_full()
    writer.close()
    return fleet


@contextmanager
def quiet() -> Iterator[None]:
    """Have nothing printed."""
    sys.stdout.flush()
    ours, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(ours, 1)
        os.close(nowhere)
        os.close(ours)


def cost(*arguments: str) -> float:
    """Seconds of CPU that a command takes in this process."""
    begun = time.process_time()
    with quiet():
        code = kglb_actors(arguments)
    assert code == 0, arguments
    return time.process_time() - begun


def main() -> int:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="(default: %(default)s)")
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory(prefix="kglb-bench-") as name:
        fleet = generate(Path(name), records)
        size = sum(path.stat().st_size for path in Path(name).iterdir())
        middle = (START + (fleet.builder.now - START) / 2).strftime("%Y-%m-%dT%H:%M:%SZ")
        print(f"{fleet.builder.seq} records, {size / 1e6:.0f} MB; CPU s")
        of, journal = ("--journal", name), name
        for arguments in (
            ("tail", *of, "-n", "20"),
            ("tail", *of, "-n", "20", "-r", "--since", middle),
            ("tail", *of, "--since", middle, "--until", middle),
            ("replay", journal, "--until", middle),
            ("replay", journal, "--diff", f"{records // 2}.."),
            ("explain", *of, real_id(50)),
            ("explain", *of, real_id(0)),
            ("explain", *of, "web"),
            ("explain", *of, "192.168.100.10"),
        ):
            print(f"{cost(*arguments):8.3f}  {' '.join(arguments).replace(name, 'JOURNAL')}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
