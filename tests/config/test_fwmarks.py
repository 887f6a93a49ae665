"""``fwmark_checks``: what it goes together with, and which marks are then nobody else's (CONFORMANCE G10, D14)."""

from collections.abc import Callable

import pytest

from kglb.config.load import Loaded

Write = Callable[..., str]
Accept = Callable[..., Loaded]
Refuse = Callable[..., dict[str, str]]

TCP = '{ type = "tcp" }'


@pytest.mark.parametrize("kind", ["tcp", "http", "https", "dummy"])
def test_g10_checks_over_tcp_can_go_through_the_vip(balancer: Write, accept: Accept, kind: str) -> None:
    config = accept(balancer(fwmark_checks="true", check=f'{{ type = "{kind}" }}')).config
    assert config.balancers[0].fwmark_checks
    assert config.marks == range(10000, 15000)


def test_no_mark_is_ours_unless_a_balancer_uses_them(balancer: Write, accept: Accept) -> None:
    assert len(accept(balancer() + "[data_plane]\nfwmark_base = 7").config.marks) == 0


def test_the_range_of_marks_can_be_chosen(balancer: Write, accept: Accept) -> None:
    section = "[data_plane]\nfwmark_base = 7\nfwmark_count = 2\n"
    assert accept(balancer(fwmark_checks="true") + section).config.marks == range(7, 9)


@pytest.mark.parametrize("key", ["fwmark_base = 0", "fwmark_count = 0", "fwmark_count = 65537"])
def test_a_range_is_neither_empty_nor_endless(balancer: Write, refuse: Refuse, key: str) -> None:
    assert list(refuse(balancer() + f"[data_plane]\n{key}")) == [f"data_plane.{key.partition(' ')[0]}"]


def test_it_is_true_or_false(balancer: Write, refuse: Refuse) -> None:
    assert refuse(balancer(fwmark_checks="1")) == {"balancer[0].fwmark_checks": "expected true or false, found 1"}


def test_a_fwmark_service_has_no_vip_to_check_through(balancer: Write, refuse: Refuse) -> None:
    assert list(refuse(balancer(service='"fwmark://1"', fwmark_checks="true"))) == ["balancer[0].fwmark_checks"]


@pytest.mark.parametrize("mark", [10000, 14999])
def test_no_service_is_on_a_mark_for_checks(balancer: Write, refuse: Refuse, mark: int) -> None:
    text = balancer(fwmark_checks="true") + balancer(name='"other"', service=f'"fwmark://{mark}"')
    assert refuse(text) == {
        "data_plane.fwmark_base": f"other: fwmark://{mark} is one of the marks for checks, 10000 to 14999; "
        "take another mark, or change fwmark_base"
    }


def test_a_service_may_be_on_any_mark_beyond_them(balancer: Write, accept: Accept) -> None:
    assert accept(balancer(fwmark_checks="true") + balancer(service='"fwmark://15000"')).config.balancers


def test_the_source_is_of_the_vips_family(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    keys = {"reals": '["[fd00::1]:80"]', "forward": '"tunnel"', "fwmark_checks": "true"}
    assert accept(balancer(check='{ type = "tcp", source = "10.0.0.9" }', **keys))
    assert list(refuse(balancer(check='{ type = "tcp", source = "fd00::9" }', **keys))) == ["balancer[0].check.source"]


def test_a_tunnelled_real_without_a_port_is_checked_at_the_services(balancer: Write, accept: Accept) -> None:
    assert accept(balancer(reals='["10.0.0.1:0"]', forward='"tunnel"', fwmark_checks="true", check=TCP))


def test_without_any_port_there_is_nothing_to_connect_to(balancer: Write, refuse: Refuse) -> None:
    text = balancer(
        service='"tcp://192.0.2.1:0"',
        persistence='"360s"',
        reals='["10.0.0.1:0"]',
        forward='"tunnel"',
        fwmark_checks="true",
        check=TCP,
    )
    assert list(refuse(text)) == ["balancer[0].reals[0]"]
