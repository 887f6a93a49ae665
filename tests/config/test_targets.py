"""Files of targets, in the shape of Prometheus' file_sd: whom they name, and what is said of each mistake."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.config.problems import RefusedError
from kglb.config.targets import Targets, parse_targets, read_targets
from kglb.model import Member, RealId


def member(real: str, weight: int | None = None) -> Member:
    return Member(RealId(real), weight)


# --- what they say ------------------------------------------------------------------------------------------------


def test_every_target_is_a_member_with_the_weight_of_its_group() -> None:
    text = """[
      {"targets": ["10.0.0.1:80", "10.0.0.2:8080"], "labels": {"job": "web"}},
      {"targets": ["[2001:DB8:0::7]:80"], "labels": {"kglb_weight": "50"}},
      {"targets": []}
    ]"""
    assert parse_targets(text) == (member("10.0.0.1:80"), member("10.0.0.2:8080"), member("[2001:db8::7]:80", 50))


def test_what_prometheus_has_there_besides_is_passed_over() -> None:
    text = (
        '[{"targets": ["10.0.0.1:80"], "labels": {"__meta_rack": "7"}, "source": "x"}, {"targets": [], "labels": null}]'
    )
    assert parse_targets(text) == (member("10.0.0.1:80"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON: Input data was truncated"),
        ("{}", 'expected a list of {"targets": [...]}, found a table'),
        ("[]", "names no target"),
        ('[{"targets": []}]', "names no target"),
        ('["10.0.0.1:80"]', '[0]: expected {"targets": [...]}, found "10.0.0.1:80"'),
        ('[{"target": []}]', "[0].targets: expected a list, found null"),
        ('[{"targets": [7]}]', "[0].targets[0]: expected a string, found 7"),
        ('[{"targets": ["10.0.0.1"]}]', "[0].targets[0]: expected address:port with a port from 0 to 65535"),
        ('[{"targets": ["10.0.0.1:0"]}]', '[0].targets[0]: expected a port from 1 to 65535, found "10.0.0.1:0"'),
        ('[{"targets": ["web:80"]}]', '[0].targets[0]: expected an IP address and a port, found the name "web:80"'),
        ('[{"targets": ["224.0.0.1:80"]}]', "[0].targets[0]: a real server needs a unicast address"),
        ('[{"targets": [], "labels": []}]', "[0].labels: expected a table of labels, found a list"),
        (
            '[{"targets": [], "labels": {"kglb_weight": "many"}}]',
            '[0].labels.kglb_weight: expected a whole number from 0 to 65535, found "many"',
        ),
        ('[{"targets": ["a:1"]}, {"targets": ["b:1", 7]}]', "(and 2 more mistakes)"),
    ],
)
def test_one_mistake_is_enough_for_a_file_to_say_nothing(text: str, said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_targets(text)
    assert said in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("targets", "labels", "kglb_weight", "x")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text(max_size=20) | json_values.map(json.dumps))
def test_whatever_a_file_has_in_it_is_understood_or_refused(text: str) -> None:
    with suppress(RefusedError):
        assert parse_targets(text)


# --- files --------------------------------------------------------------------------------------------------------


def test_a_file_is_read_only_if_it_is_another(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_text('[{"targets": ["10.0.0.1:80"]}]')
    first = read_targets(str(file), None)
    assert isinstance(first, Targets)
    assert (first.members, first.problem) == ((member("10.0.0.1:80"),), "")
    assert read_targets(str(file), first.stamp) is None
    beside = tmp_path / "new"
    beside.write_text('[{"targets": ["10.0.0.2:80"]}]')
    beside.replace(file)
    second = read_targets(str(file), first.stamp)
    assert isinstance(second, Targets)
    assert second.members == (member("10.0.0.2:80"),)


def test_a_link_that_leads_to_another_file_is_another_file(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}").write_text(json.dumps([{"targets": [f"10.0.0.{number}:80"]}]))
    link = tmp_path / "web.json"
    link.symlink_to("1")
    first = read_targets(str(link), None)
    assert first is not None
    link.unlink()
    link.symlink_to("2")
    second = read_targets(str(link), first.stamp)
    assert second is not None
    assert second.members == (member("10.0.0.2:80"),)


def test_what_is_wrong_with_a_file_is_said_and_seen_once(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    file.write_bytes(b"\xff")
    found = read_targets(str(file), None)
    assert found is not None
    assert found.problem == "is not UTF-8: byte 0 cannot be read"
    assert read_targets(str(file), found.stamp) is None


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"^cannot be read: No such file or directory$"):
        read_targets(str(tmp_path / "web.json"), None)
    found = read_targets(str(tmp_path), None)
    assert found is not None
    assert found.problem == "cannot be read: not a regular file"
