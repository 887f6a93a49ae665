"""Puts what runs with ``--keep`` found into the manual: tables into docs/performance.md, pictures beside it.

    python -m bench.publish

Each table stands between ``<!-- bench: NAME -->`` and ``<!-- end -->``; what is between them is replaced by what
``bench/results/NAME.json`` says, with the command, the date and the machine. Measures nothing.
"""

import re
import sys
from pathlib import Path

import msgspec

from bench import capacity, growth
from bench.contest.inside import Found
from bench.contest.tables import tables as contest_tables
from bench.results import DIRECTORY, Results

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"


def contest(written: bytes) -> str:
    """The contest's tables; draws ``contest.png``."""
    results = msgspec.json.decode(written, type=Results[Found])
    races = [one.race for one in results.found if one.race is not None]
    if races:
        from bench.contest.plots import draw  # noqa: PLC0415 - matplotlib, which the tests do without

        draw(races, IMAGES / "contest.png")
    picture = "\n\n![The contest, drawn](images/contest.png)" if races else ""
    return f"{results.origin}\n\n{contest_tables(results.found)}{picture}"


def capacities(written: bytes) -> str:
    """The capacity's table."""
    results = msgspec.json.decode(written, type=Results[capacity.Row])
    return f"{results.origin}\n\n{capacity.table(list(results.found))}"


def grown(written: bytes) -> str:
    """The tables of growth; draws ``growth.png``."""
    results = msgspec.json.decode(written, type=Results[growth.Found])
    (found,) = results.found
    from bench.growth_plots import draw  # noqa: PLC0415

    draw(found, IMAGES / "growth.png")
    return f"{results.origin}\n\n{growth.tables(found)}\n\n![Growth, drawn](images/growth.png)"


PARTS = {"contest": contest, "capacity": capacities, "growth": grown}


def main() -> int:
    """Replace each part of which there are results; 1 if the page has no place for one."""
    page = PAGE.read_text()
    for name, make in PARTS.items():
        path = DIRECTORY / f"{name}.json"
        if not path.exists():
            continue
        place = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = make(path.read_bytes())
        page, found = place.subn(rf"\g<1>{text.replace(chr(92), 2 * chr(92))}\n\g<2>", page)
        if not found:
            print(f"{PAGE}: expected a line `<!-- bench: {name} -->`, found none", file=sys.stderr)
            return 1
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
