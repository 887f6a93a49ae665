"""Several files, and what balancers need not say themselves."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kglb.config.load import Loaded, load
from kglb.config.problems import ConfigError
from kglb.model import DummyCheck, HttpCheck, TcpCheck
from tests.config.conftest import write_balancer

Files = Callable[..., Loaded]


def service(number: int) -> str:
    return f'"tcp://192.0.2.{number}:80"'


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Load a config from files by name, ``main`` first; dots in names are written as two underscores."""

    def write(main: str, /, **others: str) -> Loaded:
        (tmp_path / "config.toml").write_text(main)
        (tmp_path / "conf.d").mkdir(exist_ok=True)
        for name, text in others.items():
            (tmp_path / "conf.d" / f"{name}.toml").write_text(text)
        return load(tmp_path / "config.toml", environ={})

    return write


def refusals(files: Files, main: str, /, **others: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        files(main, **others)
    directory = os.path.dirname(caught.value.source)
    return [line.replace(f"{directory}/", "") for line in caught.value.lines]


def names(loaded: Loaded) -> list[str]:
    return [balancer.name for balancer in loaded.config.balancers]


INCLUDE = 'include = ["conf.d/*.toml"]\n'


class TestInclude:
    def test_balancers_of_all_files_are_one_config(self, files: Files) -> None:
        loaded = files(
            INCLUDE + write_balancer(name='"main"', service=service(1)),
            b=write_balancer(name='"b"', service=service(2)),
            a=write_balancer(name='"a"', service=service(3)),
        )
        assert names(loaded) == ["main", "a", "b"]
        assert [os.path.basename(name) for name in loaded.included] == ["a.toml", "b.toml"]

    def test_it_is_the_config_that_one_file_with_all_of_it_is(self, files: Files) -> None:
        several = files(INCLUDE, a=write_balancer(service=service(1)), b=write_balancer(service=service(2)))
        one = files(write_balancer(service=service(1)) + write_balancer(service=service(2)))
        assert several.config == one.config
        assert several.digest == one.digest

    def test_the_order_is_that_of_the_list_and_each_file_is_read_once(self, files: Files) -> None:
        loaded = files(
            'include = ["conf.d/b.toml", "conf.d/*.toml"]',
            a=write_balancer(name='"a"', service=service(1)),
            b=write_balancer(name='"b"', service=service(2)),
        )
        assert names(loaded) == ["b", "a"]

    def test_a_pattern_may_find_nothing(self, files: Files) -> None:
        assert names(files(INCLUDE + "balancer = []")) == []

    def test_to_have_no_balancer_in_any_file_is_said_aloud(self, files: Files) -> None:
        assert refusals(files, INCLUDE, a="") == [
            "config.toml: no balancer; add a [[balancer]], or balancer = [] to have none"
        ]

    def test_a_plain_name_must_be_there(self, files: Files) -> None:
        assert refusals(files, 'balancer = []\ninclude = ["a.toml"]') == [
            'config.toml:2: include[0]: there is no file "a.toml"; names are sought from the config\'s directory'
        ]

    def test_a_mistake_is_told_in_its_file(self, files: Files) -> None:
        assert refusals(
            files,
            INCLUDE + write_balancer(service=service(1), weight="-1"),
            a=write_balancer(service=service(2)) + write_balancer(service=service(3), reals='["10.0.0.1"]'),
        ) == [
            "config.toml:7: balancer[0].weight: expected a whole number from 0 to 65535, found -1",
            "conf.d/a.toml:9: balancer[1].reals[0]: expected address:port with a port from 0 to 65535, "
            "found '10.0.0.1'",
        ]

    def test_a_service_that_is_in_two_files_is_told_with_both(self, files: Files) -> None:
        assert refusals(
            files, INCLUDE, a=write_balancer(name='"a"', service=service(1)), b=write_balancer(service=service(1))
        ) == [
            "conf.d/b.toml:3: balancer[0].service: duplicate service: tcp://192.0.2.1:80 is balancer[0]'s already "
            '("a", line 3, conf.d/a.toml)'
        ]

    def test_what_is_no_balancer_belongs_elsewhere(self, files: Files) -> None:
        assert refusals(files, INCLUDE, a=write_balancer() + '[journal]\ndirectory = "/j"\n[balancers]') == [
            "conf.d/a.toml:6: journal: an included file has [[balancer]] and [defaults] only; it belongs into the "
            "config that includes this file",
            "conf.d/a.toml:8: balancers: an included file has [[balancer]] and [defaults] only; did you mean "
            '"balancer"?',
        ]

    def test_a_table_is_no_list_of_balancers(self, files: Files) -> None:
        said = refusals(files, INCLUDE + write_balancer(), a='[balancer]\nname = "web"')
        assert said == ["conf.d/a.toml:1: balancer: expected a list of tables; write [[balancer]]"]

    def test_what_is_not_toml_is_told_beside_other_mistakes(self, files: Files) -> None:
        said = refusals(files, INCLUDE + write_balancer(weight="-1"), a="= 1")
        assert [line.partition(": ")[0] for line in said] == ["config.toml:7", "conf.d/a.toml:1"]
        assert "not TOML" in said[1]

    def test_a_directory_is_no_file(self, files: Files) -> None:
        [said] = refusals(files, 'balancer = []\ninclude = ["conf.d"]')
        assert said == "config.toml:2: include[0]: conf.d cannot be read: not a regular file"

    @pytest.mark.parametrize("value", ["1", '"conf.d/*.toml"', "[1]", '[""]'])
    def test_it_is_a_list_of_names(self, files: Files, value: str) -> None:
        [said] = refusals(files, f"balancer = []\ninclude = {value}")
        assert said.startswith("config.toml:2: include")

    def test_one_that_everybody_may_read_with_secrets_is_warned_of(self, files: Files, tmp_path: Path) -> None:
        check = '{ type = "http", headers = { Authorization = "Bearer hunter2" } }'
        (tmp_path / "config.toml").touch(0o600)
        loaded = files(INCLUDE, a=write_balancer(check=check))
        assert any("a.toml" in warning and "secrets" in warning for warning in loaded.warnings)
        assert "hunter2" not in repr(loaded)


class TestDefaults:
    def test_a_balancer_takes_what_it_does_not_say(self, files: Files) -> None:
        loaded = files(
            '[defaults]\nweight = 7\ncheck = { type = "tcp" }\n'
            + write_balancer(service=service(1), check="")
            + write_balancer(service=service(2), weight="9")
        )
        one, two = loaded.config.balancers
        assert (type(one.check), one.reals[0].weight) == (TcpCheck, 7)
        assert (type(two.check), two.reals[0].weight) == (DummyCheck, 9)

    def test_a_key_is_taken_whole(self, files: Files) -> None:
        loaded = files(
            '[defaults]\ncheck = { type = "http", interval = "1s", path = "/ready" }\n'
            + write_balancer(check='{ type = "http" }')
        )
        assert loaded.config.balancers[0].check == HttpCheck()

    def test_those_of_a_file_go_before_those_of_the_config(self, files: Files) -> None:
        loaded = files(
            INCLUDE + '[defaults]\nweight = 1\nscheduler = "lc"\n' + write_balancer(service=service(1)),
            a="[defaults]\nweight = 2\n" + write_balancer(service=service(2)),
            b=write_balancer(service=service(3)),
        )
        said = [(one.reals[0].weight, one.service.scheduler) for one in loaded.config.balancers]
        assert said == [(1, "lc"), (2, "lc"), (1, "lc")]

    def test_a_mistake_is_told_once_and_there(self, files: Files) -> None:
        assert refusals(
            files,
            INCLUDE
            + "[defaults]\nweight = -1\n"
            + write_balancer(service=service(1))
            + write_balancer(service=service(2)),
            a='[defaults]\ncheck = { type = "tcp", intervall = "1s" }\n' + write_balancer(service=service(3), check=""),
        ) == [
            "config.toml:3: defaults.weight: expected a whole number from 0 to 65535, found -1",
            'conf.d/a.toml:2: defaults.check: unknown key "intervall"; did you mean "interval"?',
        ]

    def test_one_that_no_balancer_takes_is_looked_at_all_the_same(self, files: Files) -> None:
        said = refusals(files, INCLUDE + write_balancer() + "[defaults]\nname = 'x'\n", a="[defaults]\nweight = -1\n")
        assert [line.partition(":")[0] for line in said] == ["config.toml", "conf.d/a.toml"]
        assert 'unknown key "name"' in said[0]

    def test_without_it_a_balancer_needs_a_check(self, files: Files) -> None:
        assert refusals(files, "[defaults]\n" + write_balancer(check="")) == [
            'config.toml:2: balancer[0]: missing "check"'
        ]
