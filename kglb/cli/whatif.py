"""``kglb-actors whatif``: what would have differed under other settings?"""

import argparse
import sys

import msgspec

from kglb.cli.ongoing import holds_until, warn_if_behind
from kglb.cli.output import EXIT_OK, Paint, paint_for, put, put_json
from kglb.cli.reading import TIMES, Zone, add_format_options, add_journal_argument, journal_of
from kglb.replay.figures import Figures
from kglb.replay.settings import DECIDABLE, Settings, parse_setting
from kglb.replay.source import Source
from kglb.replay.whatif import BalancerSides, Transition, WhatIf, whatif
from kglb.replay.words import plural, verdicts

_SHOWN = 40
"""Lines of reals and of transitions that are shown; JSON has all of them."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "whatif",
        description="Decide everything again with other settings, and show what would have differed.",
        epilog=f"Keys of a balancer that can be set: {', '.join(DECIDABLE)}. The name * means all balancers. {TIMES}",
    )
    add_journal_argument(parser)
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="such as balancer.web.check.fall=5; may be repeated (without any, nothing should differ)",
    )
    parser.add_argument(
        "--since", metavar="TIME", help="apply the settings from this time on (default: from the beginning)"
    )
    parser.add_argument("--until", metavar="TIME", help="up to this time (default: to the end)")
    add_format_options(parser, ("short", "json"))


def run(args: argparse.Namespace) -> int:
    """Print both sides."""
    zone = Zone(utc=args.utc)
    settings = Settings(map(parse_setting, args.settings))
    source = Source(journal_of(args))
    until = zone.moment(args.until)
    stretch = source.stretch(zone.past(args.since), until)
    warn_if_behind(source, zone, until)
    found = whatif(source, settings, stretch[0], stretch[-1], holds_until(source, stretch[-1], until))
    if args.output == "json":
        put_json(msgspec.json.encode(found))
    else:
        for line in render(found, zone, paint_for(sys.stdout)):
            put(line)
    return EXIT_OK


def render(found: WhatIf, zone: Zone, paint: Paint) -> list[str]:
    """Both sides for people, line by line."""
    what = " and ".join(found.settings) or "nothing were different"
    lines = [f"records {found.first} to {found.last}, {zone.show(found.since)} to {zone.show(found.until)}, if {what}"]
    for balancer in found.balancers:
        lines += ["", *_table(balancer, paint)]
    lines += ["", *_differing(found.transitions, zone, paint), ""]
    return lines + [f"estimated: {estimate}" for estimate in found.estimates or ("nothing",)]


def _table(sides: BalancerSides, paint: Paint) -> list[str]:
    """The figures of one balancer, and the reals for which they differ."""
    rows = [
        (label, show(sides.recorded), show(sides.supposed))
        for label, show in (
            ("transitions", lambda figures: str(figures.transitions)),
            ("fewest alive", _lowest),
            ("in failsafe", lambda figures: _seconds(figures.failsafe)),
            ("on backups", lambda figures: _seconds(figures.backup)),
            ("weight changes", lambda figures: str(figures.weights)),
        )
        if label != "on backups" or sides.recorded.backup or sides.supposed.backup
    ]
    differing = [real for real in sides.reals if real.recorded != real.supposed]
    rows += [(f"{real.real} out", _seconds(real.recorded), _seconds(real.supposed)) for real in differing[:_SHOWN]]
    width = max(len(label) for label, _, _ in rows)
    lines = [f"{paint(sides.balancer, 'strong')}  {sides.service}"]
    lines.append(paint(f"  {'':<{width}}  {'recorded':>12}  {'supposed':>12}", "quiet"))
    for label, recorded, supposed in rows:
        tone = "plain" if recorded == supposed else "strong"
        lines.append(f"  {label:<{width}}  {recorded:>12}  {paint(f'{supposed:>12}', tone)}")
    if len(differing) > _SHOWN:
        lines.append(f"  and {plural(len(differing) - _SHOWN, 'real')} more")
    return lines


def _lowest(figures: Figures) -> str:
    return "never fell" if figures.lowest_alive is None else f"{figures.lowest_alive:.0%}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s"


def _differing(transitions: tuple[Transition, ...], zone: Zone, paint: Paint) -> list[str]:
    """The transitions of which there is only one side."""
    differing = [transition for transition in transitions if transition.recorded != transition.supposed]
    same = len(transitions) - len(differing)
    lines = [f"{plural(same, 'transition')} on both sides, {len(differing)} on one of them"]
    lines += [_transition_line(transition, zone, paint) for transition in differing[:_SHOWN]]
    if len(differing) > _SHOWN:
        lines.append(f"  and {len(differing) - _SHOWN} more, which -o json lists")
    return lines


def _transition_line(transition: Transition, zone: Zone, paint: Paint) -> str:
    side = "recorded" if transition.recorded else "supposed"
    about = f"~{zone.show(transition.at)}" if transition.estimated else f" {zone.show(transition.at)}"
    health = paint("up", "good") if transition.healthy else paint("down", "bad")
    after = verdicts(transition.streak)
    return f"  {side}  {about}  {transition.balancer}  {transition.real} {health} after {after}"
