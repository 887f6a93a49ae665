"""``kglb-actors plan``: what would a start or a reload with this config change? It changes nothing.

Two things: which keys differ from the config in force (of a daemon that does not run: the last one that was), and what
would be done to the machine at once. Where no config was ever in force, there is nothing to compare with.

Against the journal, what the daemon knows is taken for what the machine holds: a reload if a daemon runs, else a start.
Against the kernel, a start is played with what the kernel holds now, and with the health that the journal knows.

What checks would find is no part of that; ``--probe`` asks each real once. That is here and not in ``check``, which is
about a config alone, on whatever machine: this verb runs where the checks will come from, and knows what is up now.
"""

import argparse
import asyncio
import sys
from collections.abc import Container, Iterable
from itertools import groupby
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import structs

from journal import NoJournal, writer_of
from kglb.actors.daemon import boot_id
from kglb.actors.rehearsal import Rehearsal
from kglb.actors.understudies import machine_as_known
from kglb.checks.resolve import resolve
from kglb.cli.ongoing import warn_if_behind
from kglb.cli.output import EXIT_NO, EXIT_OK, EXIT_USAGE, Failed, paint_for, put, put_json, warn
from kglb.cli.probing import Answer, ask
from kglb.cli.reading import Zone
from kglb.cli.reloading import same_journal, unchangeable
from kglb.cli.run import add_config_options, read_config
from kglb.config.changes import Change, changes, shared_secrets
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
    RealId,
    ServiceId,
)
from kglb.model.operations import describe
from kglb.projections import State
from kglb.replay.errors import NothingRecordedError
from kglb.replay.names import Names
from kglb.replay.source import Source
from kglb.replay.state_at import state_at
from kglb.replay.words import named, plural, printable, spoken

_ADDITIONS = (AddService, AddDestination, AddAddress)
_DELETIONS = (DeleteService, DeleteDestination, DeleteAddress)

_MARKS = {"added": ("+", "good"), "removed": ("-", "bad"), "changed": ("~", "warning")}

_ANOTHER_BOOT = (
    "the journal is of another boot or another machine: what it says that the kernel holds may be gone; "
    "on the director, --against kernel looks"
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "plan",
        description="Show which keys differ from the config in force, and what a start or a reload would do to the "
        "machine at once, in order. Changes nothing. Exit code 0: nothing would change; 1: something would.",
        epilog="What probes find afterwards changes more: a new real begins with weight 0. --probe checks the reals "
        "beforehand, from here, so run it on the director. (check is about the config alone, on any machine.) "
        "Of secrets only the references are compared: the journal has no values.",
    )
    add_config_options(parser)
    parser.add_argument(
        "--against",
        choices=("journal", "kernel"),
        default="journal",
        help="compare with what the daemon knows, or with what the kernel has now (default: %(default)s)",
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="also ask each real of the config once, by its check, and go by that: 0 if all pass, 1 if any does not",
    )
    parser.add_argument("-o", "--output", choices=("short", "json"), default="short", help="(default: %(default)s)")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a start or a reload would change. ``config_seq`` is the record of the config compared with, None for none;
    ``secrets`` are those of both, whose values are not compared; ``probes`` what reals answered, None if not asked.
    """

    kind: Literal["start", "reload"]
    config_seq: int | None
    changes: tuple[Change, ...]
    operations: list[Operation]
    secrets: tuple[str, ...]
    probes: tuple[Answer, ...] | None


def run(args: argparse.Namespace) -> int:
    """Print what differs and the operations: 1, or 0 if there is neither; where reals were asked, 1 unless all pass."""
    loaded = read_config(args)
    warn(loaded.warnings)
    config = loaded.config
    directory = Path(config.journal.directory)
    state = _state(directory)
    reload = args.against == "journal" and writer_of(directory) is not None
    config = _spelled_as_in_force(config, state.fleet.config, is_its_own=reload)
    if reload:
        warn_if_behind(Source(directory), Zone(utc=False))
        _refuse_unchangeable(state, config, args.config)
    elif args.against == "journal" and state.data_plane.actual.services and state.data_plane.boot_id != boot_id():
        warn([_ANOTHER_BOOT])
    probes = asyncio.run(ask(config, loaded.secrets, state.fleet, resolve)) if args.probe else None
    before, seq = state.fleet.config, state.fleet.config_seq  # the rehearsal uses the state up
    plan = Plan(
        kind="reload" if reload else "start",
        config_seq=None if before is None else seq,
        changes=() if before is None else changes(before, config),
        operations=asyncio.run(_rehearse(state, config, reload=reload, kernel=args.against == "kernel")),
        secrets=() if before is None else tuple(map(str, shared_secrets(before, config))),
        probes=probes,
    )
    if args.output == "json":
        put_json(msgspec.json.encode(plan))
    else:
        _print(plan, f"a {plan.kind} with {args.config}", Names(config.balancers))
        _print_answers(plan.probes or (), {balancer.id for balancer in config.balancers if balancer.fwmark_checks})
    if probes is not None:
        return EXIT_OK if all(answer.status == "success" for answer in probes) else EXIT_NO
    return EXIT_NO if plan.changes or plan.operations else EXIT_OK


def _state(directory: Path) -> State:
    """What the journal folds to now; the empty state where there is none."""
    try:
        source = Source(directory)
        return state_at(source, source.bounds()[-1]).state
    except (NoJournal, NothingRecordedError):
        return State()


def _spelled_as_in_force(config: Config, before: Config | None, *, is_its_own: bool) -> Config:
    """The config, with its journal's directory as the config in force spells it if that is the same directory: so it is
    if the daemon of that config writes it now, from wherever it was started.
    """
    if before is None or not (is_its_own or same_journal(before.journal, config.journal)):
        return config
    journal = structs.replace(config.journal, directory=before.journal.directory)
    return structs.replace(config, journal=journal)


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


def _print(plan: Plan, what: str, names: Names) -> None:
    if plan.changes:
        put(f"{what} would change, of the config {'' if plan.kind == 'reload' else 'last '}in force:")
        for change in plan.changes:
            _put_line(*_MARKS[change.change], f"{_whose(change, names)}{change}")
        put("and do, in this order:" if plan.operations else "and do nothing to the machine at once")
    elif plan.operations:
        put(f"{what} would do, in this order:")
    else:
        put(f"{what} would change nothing{'' if plan.config_seq else '; no config was in force to compare it with'}")
    for operation in plan.operations:
        kind = "added" if isinstance(operation, _ADDITIONS) else "removed" if isinstance(operation, _DELETIONS) else ""
        _put_line(*_MARKS[kind or "changed"], describe(operation))
    if plan.secrets:
        put(f"not compared, as the journal has no secrets: the value of {', '.join(plan.secrets)}")


def _print_answers(answers: Iterable[Answer], through_vip: Container[ServiceId]) -> None:
    """How many of each balancer pass, and why the others do not."""
    paint = paint_for(sys.stdout)
    for service, group in groupby(answers, lambda answer: answer.service):
        asked = list(group)
        failed = [answer for answer in asked if answer.status != "success"]
        how = "asked once, straight and not through the VIP" if service in through_vip else "asked once"
        passed = f"{len(asked) - len(failed)} of {plural(len(asked), 'real')} pass"
        put(paint(f"{asked[0].balancer}  {how}: {passed}", "bad" if len(failed) == len(asked) else "plain"))
        for answer in failed:
            known = ", and is up now" if answer.up else ""
            why = printable(spoken(answer.reason, answer.detail))
            called = named(RealId(answer.real), answer.host) if answer.real else answer.host
            fails = "fails" if answer.status == "failure" else "cannot be asked"
            _put_line("!", "bad", f"{called} {fails}: {why}{known}")


def _whose(change: Change, names: Names) -> str:
    """The balancer of a change; one that goes has its name from the change."""
    if not change.balancer:
        return ""
    label = names.label(ServiceId(change.service))
    return f"{change.balancer if label == change.service else label}  "


def _put_line(sign: str, tone: str, text: str) -> None:
    put(f"  {paint_for(sys.stdout)(sign, tone)} {text}")
