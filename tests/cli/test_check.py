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


def test_a_program_gets_every_mistake_with_its_place_and_its_remedy(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("setup", "setpu").replace('"tcp"\n', '"tpc"\n'))
    ran = kglb("check", path, "-o", "json")
    assert (ran.code, ran.err) == (2, "")
    answer = json.loads(ran.out)
    assert (answer["config"], answer["ok"]) == (str(path), False)
    mistakes = [(one["path"], one["line"], one["remedy"]) for one in answer["mistakes"]]
    assert mistakes == [
        ("balancer[0]", 4, 'did you mean "setup"?'),
        ("balancer[0].check.type", 9, 'did you mean "tcp"?'),
    ]
    assert {one["file"] for one in answer["mistakes"]} == {str(path)}
    assert answer["mistakes"][1]["message"].startswith('expected one of "dummy", "tcp"')


def test_a_mistake_in_an_included_file_is_told_with_that_file(kglb: Command, tmp_path: Path) -> None:
    path, included = tmp_path / "config.toml", tmp_path / "web.toml"
    path.write_text('include = ["web.toml"]\n')
    included.write_text(CONFIG.replace('"tcp"\n', '"tpc"\n'))
    (mistake,) = json.loads(kglb("check", path, "-o", "json").out)["mistakes"]
    assert (mistake["file"], mistake["path"], mistake["line"]) == (str(included), "balancer[0].check.type", 9)


def test_a_program_gets_the_warnings_and_the_size_of_a_right_config(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG + 'timeout = "30s"\n')
    ran = kglb("check", path, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    answer = json.loads(ran.out)
    assert (answer["ok"], answer["mistakes"], answer["balancers"], answer["reals"]) == (True, [], 1, 2)
    (warning,) = answer["warnings"]
    assert (warning["path"], warning["line"]) == ("balancer[0].check", 8)


def test_a_program_is_told_of_a_config_that_is_not_there(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("check", tmp_path / "nothing.toml", "-o", "json")
    assert (ran.code, ran.err) == (2, "")
    (mistake,) = json.loads(ran.out)["mistakes"]
    assert (mistake["path"], mistake["line"]) == ("", None)
    assert "No such file" in mistake["message"]


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


def test_a_file_of_targets_that_says_nothing_yet_is_no_mistake(kglb: Command, tmp_path: Path) -> None:
    path, targets = tmp_path / "config.toml", tmp_path / "web.json"
    path.write_text(CONFIG.replace('["192.168.100.100:80", "192.168.100.101:80"]', f'[{{ file = "{targets}" }}]'))
    ran = kglb("check", path)
    assert ran.code == 0
    assert f"the file {targets} says nothing now: cannot be read: No such file or directory" in ran.err
    assert ran.out.startswith("ok: 1 balancer, 0 reals, 1 pool, ")
    assert f"the members of file {targets} (masquerade)" in ran.out
    targets.write_text("[]")
    answer = json.loads(kglb("check", path, "-o", "json").out)
    assert (answer["ok"], answer["pools"]) == (True, 1)
    assert [one["message"] for one in answer["warnings"]] == [f"the file {targets} says nothing now: names no target"]
    targets.write_text('[{"targets": ["10.0.0.1:80"]}]')
    assert kglb("check", path).err == ""
