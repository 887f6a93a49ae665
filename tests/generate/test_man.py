"""The man page is one that groff has nothing to say about, with all that the program can do."""

import shutil
import subprocess

import pytest

from generate import ROOT
from generate.man import man_page
from kglb.cli.main import VERBS

PAGE = ROOT / "packaging" / "man" / "kglb-actors.1"


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_groff_formats_it_without_a_warning() -> None:
    ran = subprocess.run(["groff", "-man", "-ww", "-b", "-Tutf8", PAGE], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert "a new real begins with weight" in " ".join(ran.stdout.split())


def test_every_verb_has_its_section() -> None:
    sections = [line.split()[1].replace("\\-", "-") for line in man_page().splitlines() if line.startswith(".SS")]
    assert list(dict.fromkeys(sections)) == list(VERBS)
