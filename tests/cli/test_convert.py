"""Another program's config as ours."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.cli.conftest import Command

EXAMPLE = Path(__file__).parents[2] / "examples" / "kglb.json"


def test_kglbs_example_is_printed_as_a_config_that_checks(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("convert", "kglb", EXAMPLE)
    assert ran.code == 0
    assert "announceLimitRatio" not in ran.out
    assert "no bgpAttributes" in ran.err
    path = tmp_path / "config.toml"
    path.write_text(ran.out)
    assert kglb("check", path) == (0, kglb("check", EXAMPLE).out, "")


def test_what_cannot_be_converted_is_2_and_prints_nothing(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "kglb.json"
    path.write_text(EXAMPLE.read_text().replace('"dummy"', '"dumy"'))
    ran = kglb("convert", "kglb", path)
    assert (ran.code, ran.out) == (2, "")
    assert 'did you mean "dummy"?' in ran.err


def test_the_toml_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    path = tmp_path / "kglb.json"
    path.write_text(EXAMPLE.read_text().replace("example-balancer", "kéglb"), encoding="utf-8")
    command = (sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())")
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([*command, "convert", "kglb", path], env=environ, capture_output=True, check=True)
    assert tomllib.loads(ran.stdout.decode())["balancer"][0]["name"] == "kéglb"
