"""``kglb-actors notify``: tell others what happened, from the journal, at least once, and never at the daemon's cost.

It is a process of its own. The daemon knows nothing of it and waits for nothing that it does; it only reads.
"""

import argparse
import asyncio
import shutil
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from signal import SIGTERM

from kglb.cli.arguments import as_argument
from kglb.cli.filtering import FILTERS, add_filter_options, filter_terms
from kglb.cli.notifying.delivery import Delivery
from kglb.cli.notifying.payload import Encode, chat_text, documents, one_document
from kglb.cli.notifying.place_file import held, read_place, write_place
from kglb.cli.notifying.program import Program
from kglb.cli.notifying.receiver import URL_VARIABLE, read_headers, read_url
from kglb.cli.notifying.rewritten import Rewritten
from kglb.cli.notifying.standing import SHOW_EVERY, standing_from, write_standing
from kglb.cli.notifying.target import Target
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_OK, EXIT_USAGE, Failed, warn
from kglb.cli.reading import TIMES, Zone, add_journal_option, journal_of, natural
from kglb.config.values import duration
from kglb.replay.news import News, Wanted
from kglb.replay.place import Place
from kglb.replay.selection import parse_pattern
from kglb.replay.times import record_time

_MOST = 1000
_TOLD_AGAIN = "who comes after this process tells again what follows the last place kept"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    parser = subparsers.add_parser(
        "notify",
        description="Follow the journal and tell a URL or a program what happened: each record at least once and in "
        "order. Without a type= filter, only events are told for which somebody may have to get up. What the target "
        "does not accept is tried again. With --state the next process continues where this one ended.",
        epilog=f"{FILTERS} {TIMES} Exit codes: 0 ended by SIGTERM, 2 usage, 3 the journal, the state, the metrics "
        "or the program cannot be used.",
    )
    add_filter_options(parser)
    parser.add_argument(
        "--all", action="store_true", help="every record, not only those for which somebody may have to get up"
    )
    parser.add_argument("--url", metavar="URL", help=f"POST to this URL (better: --url-file, or {URL_VARIABLE})")
    parser.add_argument("--url-file", metavar="FILE", help="POST to the URL in this file")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="HEADER",
        help="send this header, 'Name: value'; @FILE: the headers in a file, one a line",
    )
    parser.add_argument(
        "--format",
        choices=("json", "slack"),
        default="json",
        help='slack: {"text": ...}, for Slack and Mattermost (default: %(default)s)',
    )
    parser.add_argument(
        "--batch",
        type=_count,
        metavar="N",
        help="send up to N waiting notices at once: as an array, or as lines of one text",
    )
    parser.add_argument(
        "--timeout",
        type=as_argument(duration("100ms", "1h")),
        default=10.0,
        metavar="SPAN",
        help='the limit for one attempt, such as "10s"; a program is then killed (default: 10s)',
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="store in this file how far the journal has been told"
    )
    parser.add_argument(
        "--metrics",
        type=_textfile,
        metavar="FILE",
        help="write metrics to this file, FILE.prom, for node_exporter's textfile collector",
    )
    parser.add_argument("--since", metavar="TIME", help="without a state, begin here (default: with new records)")
    parser.add_argument("--utc", action="store_true", help="read times in UTC")
    add_journal_option(parser)
    parser.add_argument(
        "--exec",
        dest="command",
        nargs=argparse.REMAINDER,
        metavar="PROGRAM",
        help="instead run this program with all arguments that follow; it gets the notice on standard input",
    )


def _count(text: str) -> int:
    """An argument that says how many. Raises argparse's own error."""
    if not 1 <= (count := natural(text)) <= _MOST:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_MOST}, found {text}")
    return count


def _textfile(text: str) -> Path:
    """An argument that names a file which node_exporter reads. Raises argparse's own error."""
    path = Path(text)
    if path.suffix != ".prom":
        raise argparse.ArgumentTypeError(f"expected a name that ends in .prom: node_exporter reads no {text!r}")
    return path


def run(args: argparse.Namespace) -> int:
    """Tell until SIGTERM."""
    target = _target(args)
    with held(args.state), suppress(asyncio.CancelledError):
        asyncio.run(_tell(target, args))
    return EXIT_OK


async def _tell(target: Target, args: argparse.Namespace) -> None:
    """Hand on what there is; SIGTERM cancels it."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(SIGTERM, task.cancel)
    try:
        journal = journal_of(args)
        news = News(journal, _wanted(args), monotonic=time.monotonic, now=lambda: record_time(datetime.now(UTC)))
        place = _place(news, args)
        keeper = Rewritten(args.state, write_place, option="--state", say=_say, otherwise=_TOLD_AGAIN)
        if place is not None:  # kept at once: what comes before a second start is to be told, too
            keeper.begin(place)
        standing = standing_from(place, news.end())
        show = partial(write_standing, standing=standing, target=target.name)
        shown = Rewritten(args.metrics, show, option="--metrics", say=_say, otherwise="what it says gets old")
        shown.begin(news.end())
        what = "all" if place is None else f"what follows record {place.seq}"
        print(f"{target.name} is told {what} of {journal}", file=sys.stderr)
        delivery = Delivery(target, standing, keeper.write, _say, batch=args.batch or 1)
        await asyncio.gather(delivery.run(news.steps(place)), _keep_showing(shown, news))
    finally:
        await target.close()


async def _keep_showing(shown: Rewritten[int], news: News) -> None:
    """Bring the metrics up to date, at times and in the end."""
    if shown.path is None:
        return
    try:
        while True:
            await asyncio.sleep(SHOW_EVERY)
            shown.write(news.end())
    finally:
        shown.write(news.end())


def _wanted(args: argparse.Namespace) -> Wanted:
    pattern = None if args.grep is None else parse_pattern(args.grep)
    return Wanted(tuple(filter_terms(args)), pattern, args.all)


def _place(news: News, args: argparse.Namespace) -> Place | None:
    """Where to begin. Raises Failed."""
    since = Zone(utc=args.utc).past(args.since)
    kept = read_place(args.state) if args.state else None
    return kept or news.beginning(since)


def _say(text: str) -> None:
    warn([text])


# --- whom to tell -------------------------------------------------------------------------------------------------


def _target(args: argparse.Namespace) -> Target:
    """Raises Failed."""
    encode: Encode = chat_text if args.format == "slack" else documents if args.batch else one_document
    given = [name for name in ("url", "url_file", "command") if getattr(args, name) is not None]
    if len(given) > 1:
        raise Failed(EXIT_USAGE, "only one receiver is possible", "give one of --url, --url-file and --exec")
    if args.command is not None:
        return _program(args, encode)
    url, headers = read_url(args.url, args.url_file), read_headers(args.header)
    from kglb.cli.notifying.webhook import Webhook  # noqa: PLC0415 - it brings httpx, which a program does without

    return Webhook(url, headers, encode, timeout=args.timeout)


def _program(args: argparse.Namespace, encode: Encode) -> Program:
    if not args.command:
        raise Failed(EXIT_USAGE, "--exec: expected a program, found nothing after it", "it comes last")
    if args.header:
        raise Failed(EXIT_USAGE, "--header is for a URL, not for a program", "give --url or --url-file")
    program = args.command[0]
    if shutil.which(program) is None:
        raise Failed(EXIT_ENVIRONMENT, f"{program}: there is no such program, or it cannot be run", "name its path")
    return Program(args.command, encode, timeout=args.timeout)
