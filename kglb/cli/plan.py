"""``kglb-actors plan``: what would a start or a reload with this config change? It changes nothing.

Against the journal, what the daemon knows is taken for what the machine holds: a reload if a daemon runs, else a start.
Against the kernel, a start is played with what the kernel holds now, and with the health that the journal knows.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec

from journal import NoJournal, writer_of
from kglb.actors.daemon import boot_id
from kglb.actors.rehearsal import Rehearsal
from kglb.actors.understudies import machine_as_known
from kglb.checks.resolve import resolve
from kglb.cli.ongoing import warn_if_behind
from kglb.cli.output import EXIT_NO, EXIT_OK, EXIT_USAGE, Failed, paint_for, put, put_json, warn
from kglb.cli.reading import Zone
from kglb.cli.reloading import unchangeable
from kglb.cli.run import add_config_options, read_config
from kglb.dataplane.kernel import KernelDataPlane
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import DataPlane
from kglb.dataplane.worker import Worker
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    Config,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Operation,
)
from kglb.model.operations import describe
from kglb.projections import State
from kglb.replay.errors import NothingRecordedError
from kglb.replay.source import Source
from kglb.replay.state_at import state_at

_ADDITIONS = (AddService, AddDestination, AddAddress)
_DELETIONS = (DeleteService, DeleteDestination, DeleteAddress)

_ANOTHER_BOOT = (
    "the journal is of another boot or another machine: what it says that the kernel holds may be gone; "
    "on the director, --against kernel looks"
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "plan",
        description="Show what a start or a reload with this config would do to the machine at once, in order, and do "
        "nothing: 0 if nothing would change, 1 if anything would.",
        epilog="What probes find afterwards changes more: a new real begins with weight 0.",
    )
    add_config_options(parser)
    parser.add_argument(
        "--against",
        choices=("journal", "kernel"),
        default="journal",
        help="compare with what the daemon knows, or with what the kernel holds now (default: %(default)s)",
    )
    parser.add_argument("-o", "--output", choices=("short", "json"), default="short", help="(default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Print the operations: 1, or 0 if there are none."""
    loaded = read_config(args)
    warn(loaded.warnings)
    directory = Path(loaded.config.journal.directory)
    state = _state(directory)
    reload = args.against == "journal" and writer_of(directory) is not None
    if reload:
        warn_if_behind(Source(directory), Zone(utc=False))
        _refuse_unchangeable(state, loaded.config, args.config)
    elif args.against == "journal" and state.data_plane.actual.services and state.data_plane.boot_id != boot_id():
        warn([_ANOTHER_BOOT])
    operations = asyncio.run(_rehearse(state, loaded.config, reload=reload, kernel=args.against == "kernel"))
    if args.output == "json":
        put_json(msgspec.json.encode(operations))
    else:
        _print(operations, f"a {'reload' if reload else 'start'} with {args.config}")
    return EXIT_NO if operations else EXIT_OK


def _state(directory: Path) -> State:
    """What the journal folds to now; the empty state where there is none."""
    try:
        source = Source(directory)
        return state_at(source, source.bounds()[-1]).state
    except (NoJournal, NothingRecordedError):
        return State()


def _refuse_unchangeable(state: State, config: Config, path: Path) -> None:
    before = state.fleet.config
    if before is not None and (fixed := unchangeable(before, config)):
        raise Failed(EXIT_USAGE, "\n".join(f"{path}: {line}" for line in fixed))


async def _rehearse(state: State, config: Config, *, reload: bool, kernel: bool) -> list[Operation]:
    worker = Worker("kernel")
    if not kernel:
        machine: DataPlane = machine_as_known(state.data_plane.actual)
    elif config.data_plane.kind == "ipvs":
        machine = await worker.call(KernelDataPlane)
    else:
        machine = MemoryDataPlane()
    rehearsal = Rehearsal(state, machine, worker, resolve)
    return await (rehearsal.reload(config) if reload else rehearsal.start(config))


def _print(operations: list[Operation], what: str) -> None:
    if not operations:
        put(f"{what} would change nothing")
        return
    paint = paint_for(sys.stdout)
    put(f"{what} would do, in this order:")
    for operation in operations:
        sign, tone = "~", "warning"
        if isinstance(operation, _ADDITIONS):
            sign, tone = "+", "good"
        elif isinstance(operation, _DELETIONS):
            sign, tone = "-", "bad"
        put(f"  {paint(sign, tone)} {describe(operation)}")
