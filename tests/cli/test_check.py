"""Is this config right?"""

import json
from pathlib import Path

from tests.cli.conftest import Command

CONFIG = """
[[balancer]]
name = "web"
setup = "edge"
service = "tcp://192.168.100.10:80"
reals = ["192.168.100.100:80", "192.168.100.101:80"]

[balancer.check]
type = "tcp"
"""


def test_a_right_config_is_summed_up(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    ran = kglb("check", path)
    assert ran.code == 0
    assert ran.out.startswith("ok: 1 balancer, 2 reals")
    assert "web: tcp://192.168.100.10:80" in ran.out


def test_a_wrong_config_has_every_mistake_named(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("setup", "setpu").replace('"tcp"\n', '"tpc"\n'))
    ran = kglb("check", path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count(f"{path}:") == 2
    assert 'did you mean "tcp"?' in ran.err


def test_a_config_that_is_not_there_is_2(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("check", tmp_path / "nothing.toml")
    assert ran.code == 2
    assert "No such file" in ran.err


def test_the_schema_of_configs_is_printed(kglb: Command) -> None:
    ran = kglb("check", "--schema")
    assert ran.code == 0
    assert {"journal", "balancer"} <= json.loads(ran.out)["properties"].keys()


def test_without_a_config_there_is_nothing_to_check(kglb: Command) -> None:
    ran = kglb("check")
    assert (ran.code, ran.err.startswith("error: no config to check")) == (2, True)
