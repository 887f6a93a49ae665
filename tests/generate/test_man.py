"""The man pages are such that groff has nothing to say about them, with all that the program and its config can do."""

import shutil
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from generate import ROOT
from generate.man import man_page
from generate.man_config import config_man_page
from kglb.cli.main import VERBS
from kglb.config.document import read_config
from kglb.config.values import shape_of

PAGES = ROOT / "packaging" / "man"


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("kglb-actors.1", "a new real begins with weight"),
        ("kglb-actors.toml.5", 'when_all_down (default: "fail_open") When no real is up'),
    ],
)
def test_groff_formats_it_without_a_warning(page: str, says: str) -> None:
    command = ["groff", "-man", "-ww", "-b", "-Tutf8", "-P-c", "-P-b", "-P-u", str(PAGES / page)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert says in " ".join(ran.stdout.split())


def test_every_verb_has_its_section() -> None:
    sections = [line.split()[1].replace("\\-", "-") for line in man_page().splitlines() if line.startswith(".SS")]
    assert list(dict.fromkeys(sections)) == list(VERBS)


def test_every_key_of_the_config_has_its_entry_with_its_default() -> None:
    lines = config_man_page().splitlines()
    entries = {tag.split("\\fR")[0] for before, tag in pairwise(lines) if before == ".TP"}
    in_prose = {"hex"}
    assert {f"\\fB{key}" for key in _keys(shape_of(read_config)) - in_prose} <= entries
    assert '\\fBinterval\\fR (default: \\fB"5s"\\fR)' in lines


def _keys(shape: Any) -> set[str]:
    """The keys of all tables in a shape, but for those that are sections."""
    if isinstance(shape, Mapping):
        properties = shape.get("properties", {})
        own = {key for key, value in properties.items() if "properties" not in value and key != "balancer"}
        return own.union(*map(_keys, shape.values()))
    return set().union(*map(_keys, shape)) if isinstance(shape, list | tuple) else set()
