"""``python -m fuzz TARGET``: fuzz one target for a while. Exit code 1: something broke, and was kept."""

import argparse
import hashlib
import sys
import tempfile
import traceback
from pathlib import Path

from fuzz import CORPUS, TARGETS, corpus, guided, load, plain

FOUND = Path("fuzz-findings")
"""Where inputs that broke something go; those that stay fixed belong into the corpus."""


def main() -> int:
    """Run the driver; 0 when the time is over, 1 with a finding."""
    args = _arguments()
    found: Path = args.found / args.target
    found.mkdir(parents=True, exist_ok=True)
    if guided.available() and not args.plain:
        with tempfile.TemporaryDirectory() as scratch:
            guided.run(
                args.target, CORPUS / args.target, found, Path(scratch), seed=args.seed or 1, seconds=args.seconds
            )
    seeds = [path.read_bytes() for path in corpus(args.target)]
    try:
        effort = plain.run(load(args.target), seeds, seed=args.seed, seconds=args.seconds)
    except plain.Finding as finding:
        path = found / hashlib.sha256(finding.data).hexdigest()[:16]
        path.write_bytes(finding.data)
        traceback.print_exception(finding)
        print(f"{args.target}: {finding}\nkept as {path}", file=sys.stderr)
        return 1
    print(f"{args.target}: {effort.executions} executions in {effort.seconds:.0f} s, nothing found")
    return 0


def _arguments() -> argparse.Namespace:
    targets = "\n".join(f"  {name:16} {what}" for name, what in TARGETS.items())
    parser = argparse.ArgumentParser(
        prog="python -m fuzz",
        description="Throw made-up input at the code that reads it.",
        epilog=f"targets:\n{targets}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", choices=TARGETS, metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=60.0, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same inputs (default: %(default)s)")
    parser.add_argument("--plain", action="store_true", help="without coverage, also where atheris is installed")
    parser.add_argument("--found", type=Path, default=FOUND, metavar="DIRECTORY", help="(default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
