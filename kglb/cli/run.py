"""``kglb-actors run``: the daemon. Reads the config, prepares the process, and says what the environment lacks."""

import argparse
import faulthandler
import gc
import logging
import resource
import signal
import sys
from functools import partial
from pathlib import Path

import msgspec

from kglb.cli.output import EXIT_NO, EXIT_OK, warn
from kglb.cli.privileges import give_up
from kglb.config.load import Loaded, load

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that runs Python must give the interpreter back to the loop."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "run",
        help="run the daemon",
        description="Keep IPVS in step with the health of the real servers, and record every fact in the journal.",
        epilog="Signals: HUP reloads the config, TERM and INT stop as data_plane.on_stop says, "
        "USR2 stops and leaves the kernel serving, USR1 writes every stack to stderr.",
    )
    add_config_options(parser)
    levels = "debug", "info", "warning", "error"
    parser.add_argument(
        "--log-level", choices=levels, default="info", help="the lowest level that is logged (default: info)"
    )
    parser.add_argument(
        "--log-format",
        choices=("auto", "text", "json"),
        default="auto",
        help="the form of the log (default: text on a terminal and in systemd's journal, else JSON)",
    )


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """The config and what of it the command line may override."""
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the configuration: TOML, or KgLb's JSON")
    parser.add_argument("--journal", metavar="DIRECTORY", help="instead of journal.directory")
    parser.add_argument("--data-plane", choices=("ipvs", "memory"), help="instead of data_plane.kind")


def run(args: argparse.Namespace) -> int:
    """Run until told to stop: 0 after a clean end, 1 if something of ours was left in the kernel, else 2 or 3."""
    read = partial(read_config, args)
    loaded = read()
    gc.disable()  # until ``settle``: a start makes what stays, and looking for cycles in it takes a tenth of its time
    _raise_descriptor_limit()
    privileges = give_up(loaded, args.config)
    warn((*loaded.warnings, *privileges.warnings))
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    sys.setswitchinterval(SWITCH_INTERVAL)
    import uvloop  # noqa: PLC0415 - everything below costs time that a refused config need not wait for

    from kglb.cli.wiring import serve  # noqa: PLC0415

    level = logging.getLevelNamesMapping()[args.log_level.upper()]
    served = serve(
        loaded,
        read,
        source=str(args.config),
        log_level=level,
        log_format=args.log_format,
        given_up=privileges.given_up,
    )
    clean = uvloop.run(served)
    return EXIT_OK if clean else EXIT_NO


def read_config(args: argparse.Namespace) -> Loaded:
    """The config with what the command line overrides. Raises ConfigError."""
    loaded = load(args.config)
    config = loaded.config
    if args.journal:
        config = msgspec.structs.replace(
            config, journal=msgspec.structs.replace(config.journal, directory=args.journal)
        )
    if args.data_plane:
        config = msgspec.structs.replace(
            config, data_plane=msgspec.structs.replace(config.data_plane, kind=args.data_plane)
        )
    return loaded.with_config(config)


def _raise_descriptor_limit() -> None:
    """Every probe under way is a descriptor: take all that we may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
