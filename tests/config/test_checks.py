from collections.abc import Callable

import pytest

from kglb.config import Loaded
from kglb.model import Check, DummyCheck, HttpCheck, TcpCheck

Write = Callable[..., str]
Refuse = Callable[..., dict[str, str]]


@pytest.mark.parametrize(
    ("written", "check"),
    [
        ('type = "dummy"', DummyCheck()),
        ('type = "tcp"', TcpCheck(interval=5.0, timeout=5.0, rise=3, fall=2)),
        (
            'type = "tcp", interval = "500ms", timeout = "250ms", rise = 1, fall = 4, port = 81',
            TcpCheck(interval=0.5, timeout=0.25, rise=1, fall=4, port=81),
        ),
        ('type = "tcp", source = "127.0.0.1"', TcpCheck(source="127.0.0.1")),
        ('type = "http"', HttpCheck(path="/", codes=(200,))),
        ('type = "https", path = "/health?deep=1"', HttpCheck(path="/health?deep=1", tls=True)),
        ('type = "http", codes = [301, "200-202", 201]', HttpCheck(codes=(200, 201, 202, 301))),
        ('type = "http", headers = { Host = "a.example" }', HttpCheck(headers={"Host": "a.example"})),
    ],
)
def test_a_check_becomes_the_models(balancer: Write, accept: Callable[..., Loaded], written: str, check: Check) -> None:
    assert accept(balancer(check=f"{{ {written} }}")).config.balancers[0].check == check


def test_giving_only_one_of_rise_and_fall_keeps_the_others_default(
    balancer: Write, accept: Callable[..., Loaded]
) -> None:
    check = accept(balancer(check='{ type = "tcp", rise = 7 }')).config.balancers[0].check
    assert (check.rise, check.fall) == (7, 2)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("rise = 0", "rise"),
        ("fall = 1.5", "fall"),
        ('interval = "5ms"', "interval"),
        ("interval = 5", "interval"),
        ('timeout = "soon"', "timeout"),
        ("port = 0", "port"),
        ("port = 65536", "port"),
        ('source = "eth0"', "source"),
        ('path = "health"', "path"),
        ('path = "/a b"', "path"),
        ("codes = []", "codes"),
        ("codes = 200", "codes"),
        ("codes = [99]", "codes[0]"),
        ('codes = ["299-200"]', "codes[0]"),
        ('codes = [200, "2xx"]', "codes[1]"),
        ('headers = ["a"]', "headers"),
    ],
)
def test_a_wrong_value_is_refused_at_its_place(balancer: Write, refuse: Refuse, written: str, key: str) -> None:
    assert list(refuse(balancer(check=f'{{ type = "http", {written} }}'))) == [f"balancer[0].check.{key}"]


def test_a_key_of_another_type_is_unknown(balancer: Write, refuse: Refuse) -> None:
    assert 'unknown key "path"' in refuse(balancer(check='{ type = "tcp", path = "/" }'))["balancer[0].check"]


def test_a_type_that_does_not_exist_gets_a_suggestion(balancer: Write, refuse: Refuse) -> None:
    assert refuse(balancer(check='{ type = "htp" }'))["balancer[0].check.type"].endswith('did you mean "http"?')


def test_without_a_type_the_other_keys_are_still_looked_at(balancer: Write, refuse: Refuse) -> None:
    problems = refuse(balancer(check='{ path = "/", interval = "x", colour = "red" }'))
    assert set(problems) == {"balancer[0].check", "balancer[0].check.interval"}


@pytest.mark.parametrize("check", ['"tcp"', "[]", "{ type = [] }", "{ type = {} }"])
def test_a_check_of_another_kind_is_refused(balancer: Write, refuse: Refuse, check: str) -> None:
    assert refuse(balancer(check=check))
