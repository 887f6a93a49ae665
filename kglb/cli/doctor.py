"""``kglb-actors doctor``: what on this machine will cause trouble, why, and how to fix it. Changes nothing."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from kglb.cli.output import EXIT_NO, EXIT_OK, Paint, paint_for, put, put_json
from kglb.config.load import load, parse
from kglb.doctor.diagnose import diagnose
from kglb.doctor.finding import Finding
from kglb.doctor.gather import gather

_TONES = {"problem": "bad", "note": "warning"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "doctor",
        description="Check whether this machine is ready for the daemon, and change nothing. Each finding says why it "
        "matters and how to fix it. Exit code 0: no problem (there may be notes); 1: there are problems.",
        epilog="Run it as root; otherwise it cannot see everything. Fixes are commands for a root shell. They last "
        "until the next boot: put sysctls into /etc/sysctl.d, modules into /etc/modules-load.d.",
    )
    parser.add_argument(
        "config",
        metavar="CONFIG",
        nargs="?",
        type=Path,
        help="the configuration: TOML, or KgLb's JSON (without it: only what every config needs)",
    )
    parser.add_argument("-o", "--output", choices=("short", "json"), default="short", help="(default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Print the findings: 1 if one is a problem, else 0."""
    loaded = parse("balancer = []") if args.config is None else load(args.config)
    findings = diagnose(gather(loaded, args.config))
    if args.output == "json":
        put_json(msgspec.json.encode(findings))
    else:
        for line in render(findings, paint_for(sys.stdout)):
            put(line)
    return EXIT_NO if any(finding.level == "problem" for finding in findings) else EXIT_OK


def render(findings: Iterable[Finding], paint: Paint) -> list[str]:
    """Findings for people, line by line, and their number."""
    lines = []
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.level] += 1
        lines.append(f"{paint(f'{finding.level}:', _TONES[finding.level])} {finding.what}")
        lines.append(f"  why: {finding.why}")
        lines += [f"  {label}: {text}" for label, text in (("fix", finding.fix), ("do", finding.advice)) if text]
    return [*lines, f"{_count(counts['problem'], 'problem')}, {_count(counts['note'], 'note')}"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
