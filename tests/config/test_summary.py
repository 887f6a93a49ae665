from collections.abc import Callable

from kglb.config.load import parse
from kglb.config.summary import describe


def test_a_config_is_summed_up_in_a_line_and_one_for_each_balancer(balancer: Callable[..., str]) -> None:
    text = balancer(forward='"tunnel"', check='{ type = "https", interval = "500ms", timeout = "100ms" }') + balancer(
        name='"dns"', service='"udp://192.0.2.1:53"', reals='["a:53", { address = "b:53", forward = "dr" }]'
    )
    assert describe(parse(text).config) == (
        "ok: 2 balancers, 3 reals, data plane ipvs, journal in /var/lib/kglb/journal, status on 127.0.0.1:5678",
        "web: tcp://192.0.2.1:80 wlc, 1 real (ipip), https check every 500ms",
        "dns: udp://192.0.2.1:53 wlc, 2 reals (masquerade, direct), dummy check every 5s",
    )


def test_backups_are_counted_among_the_reals(balancer: Callable[..., str]) -> None:
    text = balancer(reals='["a:80", "b:80", { address = "c:80", backup = true }]')
    assert describe(parse(text).config)[1] == (
        "web: tcp://192.0.2.1:80 wlc, 3 reals, 1 backup among them (masquerade), dummy check every 5s"
    )


def test_several_checks_are_named(balancer: Callable[..., str]) -> None:
    parts = '{ type = "https" }, { type = "tcp", tls = true }'
    text = balancer(check=f'{{ type = "all", interval = "2s", checks = [{parts}] }}')
    assert describe(parse(text).config)[1].endswith("(masquerade), https and tcp over TLS check every 2s")


def test_a_tcp_check_over_tls_is_told_from_https(balancer: Callable[..., str]) -> None:
    text = balancer(check='{ type = "tcp", tls = true }')
    assert describe(parse(text).config)[1].endswith("(masquerade), tcp over TLS check every 5s")
