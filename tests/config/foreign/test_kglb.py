"""KgLb's JSON means here what it means there, and what it cannot mean here is refused by name."""

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.config import balancers
from kglb.config.balancers import ANNOUNCE
from kglb.config.checks import COMMON, KINDS, TYPE
from kglb.config.foreign.jsonpb import Field, Message, OneOf, Option
from kglb.config.foreign.kglb import translate
from kglb.config.foreign.kglb_options import BALANCER, requested_path
from kglb.config.foreign.toml import to_toml
from kglb.config.load import convert_kglb, load, parse
from kglb.config.problems import ConfigError
from kglb.config.secrets import Secrets
from kglb.model import Address, Balancer, DummyCheck, Forward, HttpCheck, Real, Service, ServiceId, TcpCheck
from tests.config.foreign.configs import BASE, accepted, changed, refused, snake, text_of, with_check, with_service

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "kglb.json"
PAGE = (ROOT / "docs" / "kglb.md").read_text()

HTTP = {"scheme": "http", "codes": [200]}


def only(*balancers: dict[str, Any]) -> Balancer:
    (one,) = accepted(*balancers).config.balancers
    return one


def test_kglbs_own_example_is_loaded_unchanged() -> None:
    (balancer,) = load(EXAMPLE).config.balancers
    tunnel = Forward("tunnel")
    assert balancer == Balancer(
        name="example-balancer",
        setup="example-setup",
        service=Service(id=ServiceId("tcp://192.168.100.10:80"), scheduler="rr"),
        reals=tuple(Real(host=f"192.168.100.{last}:80", weight=1000, forward=tunnel) for last in (100, 101)),
        check=DummyCheck(interval=10.0, rise=1, fall=1),
        concurrency=100,
        address=Address("192.168.100.10/32", "lo"),
    )


def test_both_spellings_mean_the_same() -> None:
    text = EXAMPLE.read_text()
    spelled = json.dumps(snake(json.loads(text)))
    assert "setup_name" in spelled
    assert parse(spelled).config == parse(text).config


def test_the_toml_that_is_printed_loads_to_the_same_config() -> None:
    text, loaded = convert_kglb(EXAMPLE)
    again = parse(text)
    assert (again.config, again.digest, again.warnings) == (loaded.config, loaded.digest, ())


HOSTS = st.lists(st.from_regex(r"10\.0\.0\.[1-9]|[a-z]{1,8}\.example", fullmatch=True), min_size=1, unique=True)
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["C", "Z"]), min_size=1)
CHECKS = st.one_of(
    st.just({"dummy": {}}),
    st.builds(lambda ms: {"tcp": {"checkTimeoutMs": ms}}, st.integers(10, 60_000)),
    st.builds(
        lambda scheme, uri, codes, value: {
            "http": {"scheme": scheme, "uri": uri, "codes": codes, "headers": {"Host": "a.example", "X-Y": value}}
        },
        st.sampled_from(["http", "https", "https://"]),
        PRINTABLE,
        st.lists(st.integers(100, 599), min_size=1),
        st.from_regex(r"[ -~]*", fullmatch=True),
    ),
)


@given(PRINTABLE, HOSTS, CHECKS, st.integers(0, 65535), st.sampled_from(["TUNNEL", "MASQ", 0, 1]), st.integers(0, 999))
def test_whatever_is_accepted_converts_to_toml_that_means_the_same(
    name: str, hosts: list[str], check: dict[str, Any], weight: int, forward: str | int, limit: int
) -> None:
    balancer = changed(BASE, "name", name) | {"weightUp": weight, "upstreamRouting": {"forwardMethod": forward}}
    balancer = changed(balancer, "upstreamDiscovery.staticAttributes.hosts", hosts)
    balancer = changed(balancer, "upstreamChecker.checker", check)
    text = text_of(changed(balancer, "upstreamChecker.concurrencyLimit", limit))
    document = translate(text, "", Secrets({}, "")).value
    assert isinstance(document, dict)
    written = to_toml(document)
    assert tomllib.loads(written) == document
    assert parse(written).config == parse(text).config


@pytest.mark.parametrize(
    ("kind", "fields", "service"),
    [
        ("tcpAttributes", {"address": {"ipv4": "10.0.0.1"}, "port": 80}, "tcp://10.0.0.1:80"),
        ("udpAttributes", {"address": {"ipv6": "2001:DB8::1"}, "port": 53}, "udp://[2001:db8::1]:53"),
        ("fwmarkAttributes", {"fwmark": 10}, "fwmark://10"),
        ("fwmarkAttributes", {"fwmark": 10, "addressFamily": "AF_INET6"}, "fwmark6://10"),
    ],
)
def test_a_service_of_each_kind(kind: str, fields: dict[str, Any], service: str) -> None:
    balancer = changed(with_service(kind, fields), "upstreamDiscovery.staticAttributes.hosts", ["10.0.0.9"])
    assert only(balancer).id == service


@pytest.mark.parametrize(
    ("option", "value", "scheduler", "flags"),
    [
        ("scheduler", "WRR", "wrr", ()),
        ("scheduler", 1, "wrr", ()),
        ("flags", ["SH_FALLBACK", "SH_PORT"], "rr", ("flag-1", "flag-2")),
    ],
)
def test_scheduler_and_flags(option: str, value: object, scheduler: str, flags: tuple[str, ...]) -> None:
    service = only(changed(BASE, f"lbService.ipvsService.{option}", value)).service
    assert (service.scheduler, service.flags) == (scheduler, flags)


def test_one_packet_scheduling_of_a_udp_service() -> None:
    udp = with_service("udpAttributes", {"address": {"ipv4": "10.0.0.1"}, "port": 53})
    assert only(changed(udp, "lbService.ipvsService.flags", ["ONEPACKET"])).service.flags == ("one-packet",)


def test_masq_is_masquerading() -> None:
    (real,) = only(changed(BASE, "upstreamRouting.forwardMethod", "MASQ")).reals
    assert real.forward == Forward("masquerade")


def test_a_whole_http_check() -> None:
    fields = HTTP | {"scheme": "https", "uri": "health", "headers": {"Host": "a"}, "checkTimeoutMs": 1500}
    balancer = changed(with_check("http", fields), "upstreamChecker.intervalMs", 2000)
    assert only(balancer).check == HttpCheck(
        tls=True, path="/health", codes=(200,), headers={"Host": "a"}, timeout=1.5, interval=2.0, rise=1, fall=1
    )


def test_a_tcp_check() -> None:
    assert only(with_check("tcp", {})).check == TcpCheck(rise=1, fall=1)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/a?b=1", "/a%3Fb=1"),
        ("health", "/health"),
        ("/50%", "/50%25"),
        ("/a;b=c@d,e", "/a;b=c@d,e"),
        ("/é", "/%C3%A9"),
    ],
)
def test_the_path_is_the_one_that_go_makes_of_the_uri(uri: str, path: str) -> None:
    assert requested_path(uri) == path
    assert only(with_check("http", HTTP | {"uri": uri})).check.path == path  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("enableFwmarks", False),
        ("configureReals", False),
        ("weightUp", 0),
        ("weightUp", None),
        ("upstreamDiscovery.resolveFamily", 0),
        ("upstreamChecker.intervalMs", 0),
        ("upstreamChecker.concurrencyLimit", 0),
    ],
)
def test_a_zero_is_an_absent_option(option: str, value: object) -> None:
    assert accepted(changed(BASE, option, value)).config == accepted(BASE).config


def test_every_mistake_is_named_where_the_file_has_it() -> None:
    text = text_of(
        changed(changed(BASE, "weightUp", "7"), "upstreamChecker.intervallMs", 5),
        changed(snake(BASE), "upstream_routing.forward_method", "DIRECT"),
    )
    line = {key: 1 + text[: text.index(key)].count("\n") for key in ("intervallMs", "weightUp", "forward_method")}
    with pytest.raises(ConfigError) as caught:
        parse(text, source="kglb.json")
    assert caught.value.lines == (
        f"kglb.json:{line['intervallMs']}: balancers[0].upstreamChecker.intervallMs: no such field; "
        'did you mean "intervalMs"?',
        f'kglb.json:{line["weightUp"]}: balancers[0].weightUp: expected a whole number from 0 to 4294967295, found "7"',
        f"kglb.json:{line['forward_method']}: balancers[1].upstream_routing.forward_method: "
        'expected one of "TUNNEL", "MASQ", found "DIRECT"',
    )


@pytest.mark.parametrize(
    ("option", "value", "path"),
    [
        ("weightUp", 70_000, "balancers[0].weightUp"),
        ("upstreamChecker.intervalMs", 1, "balancers[0].upstreamChecker.intervalMs"),
        ("upstreamDiscovery.staticAttributes.hosts", ["a", "b", "a"], "staticAttributes.hosts[2]"),
        ("upstreamDiscovery.staticAttributes.hosts", ["ok", "-"], "staticAttributes.hosts[1]"),
    ],
)
def test_what_our_own_rules_refuse_is_named_where_the_file_has_it(option: str, value: object, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        accepted(changed(BASE, option, value))
    (problem,) = caught.value.problems
    assert problem.path.endswith(path)
    written = text_of(changed(BASE, option, value)).splitlines()
    assert problem.line is not None
    assert json.dumps(value[-1] if isinstance(value, list) else value) in written[problem.line - 1]


@pytest.mark.parametrize(
    ("balancer", "path", "words"),
    [
        (changed(BASE, "configureReals", True), "configureReals", "does nothing for it"),
        (
            changed(BASE, "upstreamDiscovery", {"mdbAttributes": {"query": "q"}}),
            "mdbAttributes.query",
            "list the hosts",
        ),
        (changed(BASE, "lbService.ipvsService.scheduler", "IP_VS_SCH"), "scheduler", "no mainline kernel"),
        (changed(BASE, "lbService.ipvsService.flags", ["PERSISTENT"]), "flags", "persistence"),
        (changed(BASE, "lbService.ipvsService.flags", ["HASHED"]), "flags", "the kernel's own"),
        (changed(BASE, "lbService.ipvsService.flags", ["SCHED1"]), "flags", "KgLb refuses"),
        (changed(BASE, "upstreamDiscovery.resolveFamily", "AF_INET6"), "upstreamDiscovery", "in the family of"),
        (with_check("http", {"scheme": "ftp", "codes": [200]}), "scheme", '"http" or "https"'),
        (with_check("http", {"scheme": "http"}), "http", "codes is missing"),
        (with_check("http", {"codes": [200]}), "http", "scheme is missing"),
    ],
)
def test_what_has_no_counterpart_is_refused_and_never_left_out(balancer: dict[str, Any], path: str, words: str) -> None:
    ((place, message),) = refused(balancer).items()
    assert place.endswith(path)
    assert words in message


def test_an_option_whose_key_our_tables_do_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    balancer = changed(BASE, "weightUp", 5)
    assert accepted(balancer)
    without = tuple(key for key in balancers.BALANCER if key.name != "weight")
    monkeypatch.setattr("kglb.config.foreign.kglb.BALANCER", without)
    assert refused(balancer) == {"balancers[0].weightUp": "kglb-actors does not have this option yet"}


def test_a_check_of_a_type_our_table_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(KINDS, "tcp")
    assert refused(with_check("tcp", {})) == {
        "balancers[0].upstreamChecker.checker.tcp": "kglb-actors does not have this option yet"
    }


def test_without_attributes_of_a_route_the_ratio_is_said_to_do_nothing() -> None:
    loaded = accepted(changed(BASE, "dynamicRouting.announceLimitRatio", 0.9))
    assert loaded.config.balancers[0].announce is None
    assert [line.partition("dynamicRouting: ")[2] for line in loaded.warnings] == [
        "no bgpAttributes, so nothing is announced, whatever the ratio; nor is it by KgLb"
    ]


def test_a_secret_header_is_kept_out_of_the_config_and_warned_about_at_its_place() -> None:
    loaded = accepted(with_check("http", HTTP | {"headers": {"Authorization": "Bearer x"}}))
    assert "Bearer" not in repr(loaded.config)
    assert "upstreamChecker.checker.http.headers.Authorization: this file contains a secret" in loaded.warnings[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "kglb.json:1: not JSON: Expecting property name"),
        ('{"balancers": []} x', "not JSON: Extra data"),
        ('{"balancers": [], "balancers": []}', 'the key "balancers" is in one object twice'),
        ('{"balancers": NaN}', "NaN is not JSON"),
        ('{"balancers": ' + "[" * 100_000, "nested too deeply"),
        ("{}", 'no balancers; write "balancers": [] to have none'),
        ('{"balancers": {}}', "balancers: expected a list"),
        ('{"balancers": [1]}', "balancers[0]: expected an object"),
        ('{"balancers": [null]}', "balancers[0]: expected an object, found null"),
        ('{"balancer": []}', "balancer: no such field; known here: balancers"),
    ],
)
def test_what_is_not_kglbs_config_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, source="kglb.json")
    assert words in str(caught.value)


def test_to_have_no_balancer_is_said_aloud() -> None:
    assert parse('{"balancers": []}').config.balancers == ()


def test_what_is_toml_is_not_converted(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("balancer = []\n")
    with pytest.raises(ConfigError, match="expected KgLb's config, a JSON object"):
        convert_kglb(path)


def options(field: Field, outer: str = "") -> Iterator[tuple[str, str]]:
    """Every option of KgLb's by its dotted path, and our key; a message without options stands for itself."""
    match field:
        case OneOf(choices):
            for choice in choices:
                yield from options(choice, outer)
        case Message(name, ()):
            yield outer + name, "check.type"
        case Message(name, fields):
            for inner in fields:
                yield from options(inner, f"{outer}{name}.")
        case Option(name, _, key):
            yield outer + name, key


OPTIONS = dict(option for field in BALANCER for option in options(field))
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `([A-Za-z0-9.]+)` \| (.*?) \| (.*)\|$", PAGE, re.MULTILINE)}


def test_the_page_has_every_option_and_no_other() -> None:
    assert set(ROWS) == set(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_page_says_what_an_option_is_here_and_whether_it_is_there_yet(option: str) -> None:
    ours, note = ROWS[option]
    key = OPTIONS[option]
    tables = {"announce": ANNOUNCE, "check": (TYPE, *COMMON)}
    kind = found[1] if (found := re.search(r"checker\.(\w+)\.", option)) else "dummy"
    if "." in key or key in {known.name for known in balancers.BALANCER}:
        assert ours == f"`{key}`"
    table, _, name = ours.strip("`").rpartition(".")
    known = tables.get(table, balancers.BALANCER) + (KINDS[kind].keys if table == "check" and kind in KINDS else ())
    there = kind in KINDS and (ours == "none" or name in {each.name for each in known})
    assert note.startswith("Not yet. ") is not there, f"say in docs/kglb.md whether {option} is there"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*BASE, "ipv4", "dns"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def beside_nothing(option: str) -> dict[str, Any]:
    """The base without what would exclude the option."""
    if found := re.match(r"upstreamChecker\.checker\.(\w+)", option):
        return with_check(found[1], {"scheme": "http", "codes": [200]} if found[1] == "http" else {})
    if found := re.match(r"lbService\.ipvsService\.(\w+Attributes)", option):
        return with_service(found[1], {"address": {}, "port": 80} if "fwmark" not in found[1] else {"fwmark": 1})
    return changed(BASE, "upstreamDiscovery", {}) if "mdb" in option else BASE


@given(st.sampled_from(list(OPTIONS)), ANYTHING)
def test_any_value_of_any_option_is_loaded_or_explained(option: str, value: object) -> None:
    with suppress(ConfigError):
        assert accepted(changed(beside_nothing(option), option, value)).digest


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_after_a_brace_is_explained(text: str) -> None:
    with pytest.raises(ConfigError):
        parse("{" + text)
