"""The README and the pages of docs/ speak of what is there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from kglb.cli.main import VERBS, parser_for
from kglb.cli.notifying.standing import Standing, families
from kglb.projections import State
from kglb.web.status import Status
from tests.web.builders import WELL

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_lists_every_verb_and_no_other() -> None:
    rows = re.findall(r"^\| (`[\w`, -]+`) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(verb for row in rows for verb in re.findall(r"`([\w-]+)`", row)) == sorted(VERBS)


def test_every_metric_is_explained() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    status = Status(State(), lambda: WELL)
    traffic = re.compile(r"^kglb_ipvs_(service|backend)_(incoming|outgoing)_(bytes|packets)_total$")
    names = [family.name for family in [*status.families(), *families(Standing(), 0, "")]]
    assert [name for name in names if f"`{name}" not in page and not traffic.match(name)] == []


def command_lines(page: str) -> Iterator[str]:
    """What a page says to type: in backquotes, or as a line of a block."""
    yield from re.findall(r"`(?:sudo )?kglb-actors ([a-z][^`]*)`", page)
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", page, re.DOTALL):
        yield from re.findall(r"^(?:[$#] )?(?:sudo )?kglb-actors ([^|>\n]*)", block, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_is_one_that_the_program_takes(page: Path) -> None:
    for line in command_lines(page.read_text()):
        arguments = shlex.split(line, comments=True)
        parser, _ = parser_for(arguments)
        try:
            parser.parse_args(arguments)
        except SystemExit:
            pytest.fail(f"kglb-actors {line}")
