"""What differs between two configs: whichever key it is, it is found, named and spelled as the config has it."""

import copy
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kglb.config.changes import changes, shared_secrets
from kglb.config.load import Loaded, parse
from kglb.model import Config
from tests.config.test_any_input import to_toml

SCHEMA = json.loads((Path(__file__).parents[2] / "kglb" / "config" / "kglb-actors.schema.json").read_text())
CA_FILE = ssl.get_default_verify_paths().openssl_cafile

Document = dict[str, Any]

BASE: Document = {
    "balancer": [
        {
            "name": "web",
            "service": "tcp://192.0.2.1:80",
            "reals": [{"address": "10.0.0.1:80"}, {"address": "10.0.0.2:80"}],
            "check": {"type": "dummy"},
        }
    ]
}

NEEDED: dict[str, Document] = {
    "dns": {"query": "example.com"},
    "exec": {"command": ["/bin/true"]},
    "all": {"checks": [{"type": "tcp"}]},
}
"""What a type of check has to have."""

CHECK = "balancer.check."
PART = f"{CHECK}all.checks."
"""Where the keys of a check stand, by its type, and those of one of several."""

UDP = {"balancer.service": "udp://192.0.2.1:53"}

AROUND: dict[str, Document] = {
    "balancer.flags": UDP,
    "defaults.flags": UDP,
    "balancer.persistence.netmask": {"balancer.persistence.timeout": "60s"},
    "balancer.persistence.engine": {**UDP, "balancer.persistence.timeout": "60s"},
    "balancer.forward.port": {"balancer.forward.type": "gue"},
    "balancer.forward.checksum": {"balancer.forward.type": "gre"},
    "balancer.reals.forward.port": {"balancer.reals.forward.type": "gue"},
    "balancer.reals.forward.checksum": {"balancer.reals.forward.type": "gre"},
    "balancer.reals.lower_threshold": {"balancer.reals.upper_threshold": 9},
    "balancer.reals.max_loss": {"balancer.reals.dns": "web.example.com:80"},
    "balancer.check.https.ca_file": {"balancer.check.https.verify": True},
    "balancer.check.tcp.sni": {"balancer.check.tcp.tls": True},
    "balancer.check.tcp.verify": {"balancer.check.tcp.tls": True},
    "balancer.check.tcp.ca_file": {"balancer.check.tcp.tls": True, "balancer.check.tcp.verify": True},
}
"""What else stands in the config, for the key to be taken."""

SECONDS, RATIOS, NUMBERS, SWITCH = ("2s", "3s"), (0.25, 0.5), (2, 3), (False, True)
TEXTS = ("one", "other")

ANOTHER = {**BASE["balancer"][0], "service": "tcp://192.0.2.3:80"}

PAIRS: dict[str, tuple[object, object]] = {
    "journal.directory": ("/one", "/other"),
    "journal.max_size": ("1GiB", "off"),
    "journal.max_age": ("off", "48h"),
    "data_plane.kind": ("ipvs", "memory"),
    "data_plane.vip_interface": ("lo", "off"),
    "data_plane.reconcile_interval": ("30s", "1m"),
    "data_plane.on_stop": ("cleanup", "leave"),
    "data_plane.fwmark_base": NUMBERS,
    "data_plane.fwmark_count": NUMBERS,
    "status.listen": ("off", "127.0.0.1:5678"),
    "status.hosts": (["one"], ["one", "other"]),
    "control.socket": ("/run/one.sock", "off"),
    "control.group": TEXTS,
    "bgp.engine": ("none", "exabgp"),
    "bgp.socket": ("/run/one.sock", "/run/other.sock"),
    "balancer": (BASE["balancer"], [*BASE["balancer"], ANOTHER]),
    "defaults.announce": ({"min_alive": 0.25}, {"min_alive": 0.5}),
    "balancer.name": TEXTS,
    "balancer.setup": TEXTS,
    "balancer.service": ("tcp://192.0.2.1:80", "tcp://192.0.2.2:80"),
    "balancer.scheduler": ("wlc", "wrr"),
    "balancer.flags": ([], ["one-packet"]),
    "balancer.persistence": ("60s", "90s"),
    "balancer.persistence.timeout": ("60s", "90s"),
    "balancer.persistence.netmask": (24, 16),
    "balancer.persistence.engine": (None, "sip"),
    "balancer.forward": ("masquerade", "tunnel"),
    "balancer.forward.type": ("masquerade", "direct"),
    "balancer.forward.port": (6080, 6081),
    "balancer.forward.checksum": ("none", "csum"),
    "balancer.weight": (1000, 0),
    "balancer.when_all_down": ("fail_open", "fail_closed"),
    "balancer.fail_open_below": RATIOS,
    "balancer.when_down": ("quiesce", "remove"),
    "balancer.drain_on_remove": ("0s", "90s"),
    "balancer.slow_start": ("0s", "30s"),
    "balancer.concurrency": (0, 100),
    "balancer.resolve_interval": SECONDS,
    "balancer.reals": (["10.0.0.1:80"], ["10.0.0.1:80", "10.0.0.3:80"]),
    "balancer.reals.address": ("10.0.0.1:80", "10.0.0.3:80"),
    "balancer.reals.weight": (1000, 500),
    "balancer.reals.forward": ("masquerade", "tunnel"),
    "balancer.reals.forward.type": ("masquerade", "direct"),
    "balancer.reals.forward.port": (6080, 6081),
    "balancer.reals.forward.checksum": ("none", "csum"),
    "balancer.reals.upper_threshold": (0, 100),
    "balancer.reals.lower_threshold": (0, 5),
    "balancer.reals.backup": SWITCH,
    "balancer.reals.dns": ("web.example.com:80", "shop.example.com:80"),
    "balancer.reals.max_loss": RATIOS,
    "balancer.announce.min_alive": RATIOS,
    "balancer.announce.min_alive_to_announce": RATIOS,
    "balancer.announce.hold_time": SECONDS,
    "balancer.announce.prefix": (None, "192.0.2.0/24"),
    "balancer.announce.next_hop": ("self", "192.0.2.254"),
    "balancer.announce.community": (["65000:1"], ["65000:1", "no-export"]),
    "balancer.announce.med": (None, 0),
    "balancer.fwmark_checks": SWITCH,
    "check.type": ("tcp", "ping"),
    "check.interval": ("5s", "250ms"),
    "check.timeout": ("1500ms", "5s"),
    "check.rise": NUMBERS,
    "check.fall": NUMBERS,
    "check.port": (None, 8080),
    "check.source": (None, "192.0.2.9"),
    "check.close": ("reset", "fin"),
    "check.fast_interval": (None, "100ms"),
    "check.watch": SWITCH,
    "check.send": ("PING\r\n", {"hex": "0a ff"}),
    "check.expect": ("", "PONG"),
    "check.expect_regex": ("", "PO+NG"),
    "check.method": ("GET", "HEAD"),
    "check.path": ("/up", "/ready"),
    "check.codes": ([200, 204], ["200-299", 404]),
    "check.headers": ({"Host": "a.example"}, {"Host": "b.example"}),
    "check.body": ("", "ready to serve"),
    "check.body_regex": ("", "read[y]"),
    "check.follow_redirects": SWITCH,
    "check.proxy_check_url": ("", "http://a.example/"),
    "check.tls": SWITCH,
    "check.sni": ("", "a.example"),
    "check.verify": SWITCH,
    "check.ca_file": ("", CA_FILE),
    "check.query": ("a.example", "b.example"),
    "check.record": ("A", "AAAA"),
    "check.protocol": ("udp", "tcp"),
    "check.rcode": ("NOERROR", 3),
    "check.level": ("info", "err"),
    "check.command": (["/bin/true"], ["/bin/true", "-v"]),
    "check.user": ("nobody", "root"),
    "check.dynamic_weight": SWITCH,
}
"""Two values of each key; None leaves it out. Keys of checks stand for all types of checks that have them."""

CONNECTING = ("tcp", "http", "https", "all")
NO_VALUE = {"env", "file", "hex", "include"}
"""What says where a secret or a balancer is, or how a payload is spelled, is part of the value of another key."""


def keys(shape: Document, path: str = "") -> Iterator[str]:
    """Every key of the schema that has a value of its own: the types of checks are a step of their path."""
    kind = shape.get("properties", {}).get("type", {}).get("const")
    for name, inner in shape.get("properties", {}).items():
        full = ".".join(part for part in (path, kind, name) if part)
        children = [inner, *inner.get("anyOf", ()), *([inner["items"]] if "items" in inner else ())]
        has_value = name not in ("check", "checks") and any(
            not {"properties", "anyOf"} & child.keys() for child in children[:-1] or children
        )
        if has_value and name not in NO_VALUE:
            yield full
        yield from keys(inner, full)
    for alternative in (
        *shape.get("anyOf", ()),
        *shape.get("oneOf", ()),
        *([shape["items"]] if "items" in shape else ()),
    ):
        yield from keys(alternative, path)


def pair(key: str) -> str:
    """The name of a key in ``PAIRS``: a default is a key of a balancer that does not say it itself."""
    if key.startswith("defaults.") and key not in PAIRS:
        return key.replace("defaults", "balancer")
    return f"check.{key.rpartition('.')[2]}" if key.startswith("balancer.check.") else key


KEYS = list(dict.fromkeys(keys(SCHEMA)))
TAKEN = [
    key
    for key in KEYS
    if not key.endswith(".watch") or key.split(".")[2] in CONNECTING  # the others make no connection to watch
]


def put(document: Document, key: str, value: object) -> None:
    """Set a key, of the first of what there are several; None leaves it out."""
    *tables, name = key.split(".")
    table: Any = document
    if tables[:2] == ["balancer", "check"]:
        balancer = document["balancer"][0]
        kind, is_part = tables[-1], key.startswith(PART)
        before = balancer["check"].get("checks", [{}])[0] if is_part else balancer["check"]
        table = {"type": kind, **NEEDED.get(kind, {})} | {
            known: one for known, one in before.items() if known != "type"
        }
        if name == "type":
            table = {**NEEDED.get(str(value), {})}
        balancer["check"] = {"type": "all", "checks": [table]} if is_part else table
    else:
        for step in tables:
            inner = table.get(step)
            if not isinstance(inner, dict | list):
                inner = table[step] = {}
            table = inner[0] if isinstance(inner, list) else inner
    if value is not None:
        table[name] = value
    if name == "dns":  # it stands in the place of an address
        table.pop("address", None)


def config(key: str, value: object) -> Config:
    document = copy.deepcopy(BASE)
    of_check = key.replace(PART, CHECK)
    for other, given in AROUND.get(of_check, {}).items():
        put(document, other if key == of_check else other.replace(CHECK, PART), given)
    put(document, key, value)
    return loaded(document).config


def loaded(document: Document, **environ: str) -> Loaded:
    text = "".join(f"{to_toml(key)} = {to_toml(value)}\n" for key, value in document.items())
    return parse(text, source="config.toml", environ=environ)


def named(key: str) -> str:
    """How a change of a key is called."""
    key = key if key in PAIRS else key.replace("defaults", "balancer")
    if key.startswith(("balancer.reals", "balancer.weight", "balancer.forward")):
        steps = key.removeprefix("balancer.").removeprefix("reals").strip(".").split(".")
        return f"reals.{steps[0]}" if steps[0] not in ("", "address", "dns") else "reals"
    special = {
        "balancer.service": "balancer",
        "defaults.announce": "announce.min_alive",
        "balancer.persistence": "persistence.timeout",
        "check.headers": "check.headers.Host",
    }
    name = special.get(pair(key)) or pair(key).removeprefix("balancer.")
    return name.replace("check.", "check.checks[0].") if key.startswith(PART) else name


def test_there_are_two_values_for_every_key_of_the_schema() -> None:
    assert {pair(key) for key in KEYS} == set(PAIRS)


@pytest.mark.parametrize("key", TAKEN)
def test_another_value_of_any_key_is_a_change_of_that_key(key: str) -> None:
    one, other = (config(key, value) for value in PAIRS[pair(key)])
    there, back = changes(one, other), changes(other, one)
    assert named(key) in {change.key for change in there}
    assert named(key) in {change.key for change in back}
    assert all(change.before != change.after for change in (*there, *back))
    assert all(str(change).isprintable() for change in (*there, *back))
    assert changes(one, one) == changes(other, other) == ()


IN_PART = ("check.headers.Host", "check.checks[0].headers.Host", "reals.forward", "announce.min_alive")
"""Changes of what is within the value of a key, or that are told in one word of what may be a table."""


@pytest.mark.parametrize("key", TAKEN)
def test_what_is_shown_is_what_the_config_would_say(key: str) -> None:
    one, other = (config(key, value) for value in PAIRS[pair(key)])
    (change, *_) = [change for change in changes(one, other) if change.key == named(key)]
    if change.change == "changed" and named(key) not in IN_PART:
        assert config(key, change.before) == one
        assert config(key, change.after) == other


# --- in words -------------------------------------------------------------------------------------------------------


@pytest.fixture
def web(balancer: Callable[..., str]) -> Callable[..., Config]:
    """The config of a balancer with three reals."""

    def make(**keys: str) -> Config:
        reals = '["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]'
        return parse(balancer(**{"reals": reals, **keys}), environ={"TOKEN": "s3cr3t", "OTHER": "s3cr3t"}).config

    return make


Web = Callable[..., Config]


def said(before: Config, after: Config) -> list[str]:
    return [str(change) for change in changes(before, after)]


def test_how_many_reals_are_judged_otherwise_is_said(web: Web) -> None:
    before = web(check='{ type = "http", path = "/up" }')
    assert said(before, web(check='{ type = "http", path = "/ready" }')) == [
        "check.path /up -> /ready (3 reals are judged by it from now on)"
    ]


def test_another_type_of_check_comes_with_what_it_asks(web: Web) -> None:
    assert said(web(check='{ type = "tcp" }'), web(check='{ type = "http" }')) == [
        "check.type tcp -> http (3 reals are judged by it from now on)",
        "check.method - -> GET (3 reals are judged by it from now on)",
        "check.path - -> / (3 reals are judged by it from now on)",
        "check.codes - -> 200 (3 reals are judged by it from now on)",
    ]


def test_another_question_among_several_is_told_by_its_place(web: Web) -> None:
    def check(parts: str) -> str:
        return f'{{ type = "all", checks = [{parts}] }}'

    before = web(check=check('{ type = "tcp" }, { type = "http", path = "/up" }'))
    assert said(before, web(check=check('{ type = "tcp", port = 81 }, { type = "http", path = "/ready" }'))) == [
        "check.checks[0].port - -> 81 (3 reals are judged by it from now on)",
        "check.checks[1].path /up -> /ready (3 reals are judged by it from now on)",
    ]
    assert said(web(check=check('{ type = "tcp" }')), web(check=check('{ type = "tcp" }, { type = "ping" }'))) == [
        "check.checks[1].type - -> ping (3 reals are judged by it from now on)"
    ]


def test_what_is_common_to_all_reals_is_one_line(web: Web) -> None:
    assert said(web(), web(weight="500")) == ["reals.weight 1000 -> 500 (3 reals)"]


def test_what_is_of_few_reals_names_them(web: Web) -> None:
    reals = '["10.0.0.1:80", "10.0.0.2:80", { address = "10.0.0.3:80", weight = 10, backup = true }]'
    assert said(web(), web(reals=reals)) == [
        "reals.weight 1000 -> 10 (10.0.0.3:80)",
        "reals.backup false -> true (10.0.0.3:80)",
    ]


def test_reals_come_and_go(web: Web) -> None:
    assert said(web(), web(reals='["10.0.0.1:80", "10.0.0.2:80", "app.example:80"]')) == [
        "real app.example:80",
        "real 10.0.0.3:80",
    ]


def test_balancers_come_and_go(web: Web) -> None:
    found = changes(web(), web(service='"tcp://192.0.2.9:80"'))
    assert [(change.change, str(change)) for change in found] == [
        ("removed", "tcp://192.0.2.1:80 wlc, 3 reals (masquerade), dummy check every 5s"),
        ("added", "tcp://192.0.2.9:80 wlc, 3 reals (masquerade), dummy check every 5s"),
    ]


def test_a_route_that_is_announced_from_now_on_is_told_with_its_terms(web: Web) -> None:
    assert said(web(), web(announce="{}")) == [
        "announce.hold_time - -> 5s (3 reals)",
        "announce.next_hop - -> self (3 reals)",
    ]


def test_what_is_the_daemons_bears_on_no_balancer(web: Web) -> None:
    (change,) = changes(web(), parse_with(web, 'data_plane = { on_stop = "leave" }'))
    assert (str(change), change.balancer, change.reals) == ("data_plane.on_stop cleanup -> leave", "", 0)


def parse_with(web: Web, text: str) -> Config:
    return replace(parse(f"balancer = []\n{text}").config, balancers=web().balancers)


def test_the_order_of_reals_and_balancers_is_no_difference(web: Web) -> None:
    reals = '["10.0.0.3:80", "10.0.0.2:80", "10.0.0.1:80"]'
    assert changes(web(), web(reals=reals)) == ()


def test_of_a_secret_only_the_reference_is_shown(web: Web) -> None:
    check = '{{ type = "http", headers = {{ Authorization = {{ env = "{}" }} }} }}'
    (change,) = changes(web(check=check.format("TOKEN")), web(check=check.format("OTHER")))
    assert str(change) == "check.headers.Authorization $TOKEN -> $OTHER (3 reals are judged by it from now on)"


def test_secrets_whose_value_cannot_be_compared_are_those_of_both(web: Web) -> None:
    check = '{{ type = "http", headers = {{ Authorization = {{ env = "{}" }} }} }}'
    token, other = web(check=check.format("TOKEN")), web(check=check.format("OTHER"))
    assert [str(secret) for secret in shared_secrets(token, token)] == ["$TOKEN"]
    assert shared_secrets(token, other) == ()


def test_a_header_that_is_empty_is_not_one_that_is_not_there(web: Web) -> None:
    none, empty = web(check='{ type = "http" }'), web(check='{ type = "http", headers = { X = "" } }')
    assert said(none, empty) == ['check.headers.X - -> "" (3 reals are judged by it from now on)']
