import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kglb.config.load import LARGEST_FILE, Loaded, load, parse
from kglb.config.problems import ConfigError

Write = Callable[..., str]
Refuse = Callable[..., dict[str, str]]


def refusal(path: Path | str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def test_a_file_is_loaded(tmp_path: Path, balancer: Write) -> None:
    path = tmp_path / "config.toml"
    path.write_text(balancer())
    assert load(path).config.balancers[0].name == "web"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path, balancer: Write) -> None:
    path = tmp_path / "config.toml"
    path.write_text(balancer(), encoding="utf-8-sig")
    assert load(path).warnings == ()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert refusal(path) == f"{path}: cannot be read: No such file or directory"


def test_a_directory_is_no_config(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_name_that_cannot_be_a_file_is_refused() -> None:
    assert "not a file name" in refusal("a\0b")
    assert "cannot be read" in refusal("x" * 5000)


def test_a_file_that_is_not_utf8_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'name = "\xff"')
    assert refusal(path) == f"{path}: is not UTF-8: byte 8 cannot be read"


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.touch()
    os.truncate(path, LARGEST_FILE + 1)
    assert refusal(path) == f"{path}: is larger than {LARGEST_FILE} bytes"


def test_a_file_that_never_ends_is_refused() -> None:
    assert "is larger than" in refusal("/dev/zero")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = = 2\n", "config.toml:2: not TOML: Invalid value (column 5)"),
        ("a = 1\nb = \n", "config.toml:2: not TOML: Invalid value (column 5)"),
        (
            'a = 1\nb = "c',
            "config.toml:2: not TOML: Unterminated string (at the end of the file)",
        ),
        ("a = " + "[" * 100_000, "config.toml: not TOML: brackets are nested too deeply"),
        ("a = " + "1" * 10_000, "config.toml: not TOML: a number has too many digits"),
        ("\ud800", "config.toml: is not Unicode text"),
    ],
    ids=["value", "line end", "file end", "nesting", "digits", "surrogate"],
)
def test_what_is_not_toml_is_refused_with_line_and_column(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, source="config.toml")
    assert str(caught.value) == message


def test_every_mistake_is_reported_at_once_in_the_order_of_the_file(balancer: Write) -> None:
    text = (
        balancer(service='"tcp://x"', weight="70000", check='{ type = "tcp", interval = "fast" }')
        + balancer(name='""', intervall='"5s"')
        + '[status]\nlisten = ":80"\n[jurnal]\n'
    )
    with pytest.raises(ConfigError) as caught:
        parse(text, source="c.toml")
    places = [(problem.line, problem.path) for problem in caught.value.problems]
    assert places == [
        (3, "balancer[0].service"),
        (5, "balancer[0].check.interval"),
        (6, "balancer[0].weight"),
        (8, "balancer[1].name"),
        (12, "balancer[1]"),
        (14, "status.listen"),
        (15, ""),
    ]


def test_an_unknown_key_is_a_mistake_with_a_suggestion(balancer: Write, refuse: Refuse) -> None:
    text = balancer(check='{ type = "tcp", intervall = "5s" }')
    assert refuse(text) == {"balancer[0].check": 'unknown key "intervall"; did you mean "interval"?'}


def test_a_key_of_the_balancer_below_its_check_is_told_where_it_belongs(balancer: Write, refuse: Refuse) -> None:
    text = balancer(check="") + '[balancer.check]\ntype = "tcp"\nannounce = { min_alive = 0.5 }\n'
    assert refuse(text)["balancer[0].check"] == (
        'unknown key "announce"; it is a key of balancer[0]: move it above this table'
    )


def test_an_empty_file_takes_no_service_away_by_accident(refuse: Refuse) -> None:
    assert refuse("") == {"": "no balancer; add a [[balancer]], or balancer = [] to have none"}
    assert parse("balancer = []").config.balancers == ()


def test_a_single_table_is_told_to_be_a_list(refuse: Refuse) -> None:
    assert refuse("[balancer]\n") == {"balancer": "expected a list of tables, found a table; write [[balancer]]"}


@pytest.mark.parametrize("text", ["journal = 5", "balancer = 5", "balancer = [5]", "[[journal]]"])
def test_a_section_of_another_kind_is_refused(text: str, refuse: Refuse) -> None:
    assert any("expected a" in message for message in refuse(text).values())


def test_the_digest_is_of_the_config_not_of_its_text(balancer: Write) -> None:
    plain = parse(balancer())
    assert parse("# comment\n" + balancer(weight="1000", reals='[ "10.0.0.1:80", ]')).digest == plain.digest
    assert parse(balancer(weight="999")).digest != plain.digest
    assert len(plain.digest) == 64


def test_an_overridden_config_has_its_own_digest(balancer: Write) -> None:
    loaded, other = parse(balancer()), parse(balancer(weight="999"))
    assert loaded.with_config(other.config) == other


def test_the_digest_does_not_depend_on_a_secret(balancer: Write) -> None:
    def loaded(secret: str) -> Loaded:
        return parse(balancer(check=f'{{ type = "http", headers = {{ Cookie = "{secret}" }} }}'))

    assert loaded("one").digest == loaded("two").digest


def test_sections_have_the_models_defaults_and_take_what_is_given(balancer: Write) -> None:
    assert parse(balancer()).config.journal.max_size == 1 << 30
    config = parse(
        '[journal]\ndirectory = "j"\nmax_size = "off"\nmax_age = "7d"\n'
        '[data_plane]\nkind = "memory"\nvip_interface = "dummy0"\nreconcile_interval = "5s"\n'
        'on_stop = "leave"\n'
        '[status]\nlisten = "off"\n' + balancer()
    ).config
    assert (config.journal.directory, config.journal.max_size, config.journal.max_age) == ("j", 0, 604800.0)
    assert (config.data_plane.kind, config.data_plane.on_stop) == ("memory", "leave")
    assert config.data_plane.reconcile_interval == 5.0
    assert config.status.listen == ""
    assert str(config.balancers[0].address) == "192.0.2.1/32 on dummy0"
    assert parse('[data_plane]\nvip_interface = "off"\n' + balancer()).config.balancers[0].address is None
