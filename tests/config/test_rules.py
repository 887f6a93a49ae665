"""G1 to G6 are the cases of KgLb's own validate_test.go."""

from collections.abc import Callable

import pytest

from kglb.config.load import Loaded

Write = Callable[..., str]
Accept = Callable[..., Loaded]
Refuse = Callable[..., dict[str, str]]


@pytest.mark.parametrize("name", ["web", "other"], ids=["G1 same name", "G3 another name"])
def test_one_service_belongs_to_one_balancer(balancer: Write, refuse: Refuse, name: str) -> None:
    assert refuse(balancer() + balancer(name=f'"{name}"')) == {
        "balancer[1].service": 'duplicate service: tcp://192.0.2.1:80 is balancer[0]\'s already ("web", line 3)'
    }


def test_services_are_compared_in_canonical_form(balancer: Write, refuse: Refuse) -> None:
    texts = (
        balancer(service=f'"tcp://[{vip}]:80"', reals='["[fd00::1]:80"]') for vip in ("2001:db8::1", "2001:DB8:0::1")
    )
    assert list(refuse("".join(texts))) == ["balancer[1].service"]


@pytest.mark.parametrize("service", ["tcp://192.0.2.1:443", "udp://192.0.2.1:80", "fwmark://80"])
def test_one_name_may_have_many_services_g2(balancer: Write, accept: Accept, service: str) -> None:
    assert len(accept(balancer() + balancer(service=f'"{service}"')).config.balancers) == 2


def test_the_same_mark_in_both_families_is_two_services(balancer: Write, accept: Accept) -> None:
    text = balancer(service='"fwmark://10"') + balancer(service='"fwmark6://10"', reals='["[fd00::1]:80"]')
    assert len(accept(text).config.balancers) == 2


def test_a_service_is_duplicate_even_beside_other_mistakes(balancer: Write, refuse: Refuse) -> None:
    problems = refuse(balancer(name='""') + balancer(weight="-1"))
    assert set(problems) == {"balancer[0].name", "balancer[1].weight", "balancer[1].service"}


@pytest.mark.parametrize("forward", ["masquerade", "direct"])
def test_only_a_tunnel_reaches_a_real_of_the_other_family(
    balancer: Write, accept: Accept, refuse: Refuse, forward: str
) -> None:
    text = balancer(reals='["10.0.0.1:80", "[fd00::1]:80", "name:80"]', forward=f'"{forward}"')
    assert refuse(text) == {
        "balancer[0].reals[1]": f"[fd00::1]:80 is IPv6 behind an IPv4 service: {forward} cannot reach it; "
        "only a tunnel may mix families"
    }
    assert accept(text.replace(forward, "tunnel"))


def test_a_refused_forwarding_leads_to_no_second_complaint(balancer: Write, refuse: Refuse) -> None:
    assert list(refuse(balancer(reals='["[fd00::1]:80"]', forward='"tunel"'))) == ["balancer[0].forward"]


def test_port_0_of_a_real_is_for_tunnels(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    text = balancer(reals='["10.0.0.1:0"]')
    assert refuse(text) == {"balancer[0].reals[0]": "port 0 is for tunnels, 10.0.0.1:0 is reached by masquerade"}
    assert accept(balancer(reals='["10.0.0.1:0"]', forward='"tunnel"'))


def test_a_real_without_a_port_is_checked_on_the_checks(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    def text(check: str) -> str:
        return balancer(reals='["10.0.0.1:0"]', forward='"tunnel"', check=check)

    assert list(refuse(text('{ type = "tcp" }'))) == ["balancer[0].reals[0]"]
    assert accept(text('{ type = "tcp", port = 80 }'))


def test_every_port_is_a_service_only_with_persistence(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    service = '"tcp://192.0.2.1:0"'
    assert list(refuse(balancer(service=service))) == ["balancer[0].service"]
    assert accept(balancer(service=service, persistence='"6m"'))


def test_a_mark_has_no_route_to_announce(balancer: Write, refuse: Refuse) -> None:
    problems = refuse(balancer(service='"fwmark://10"', announce="{}"))
    assert problems == {"balancer[0].announce": "a fwmark service has no VIP to announce; remove announce"}


def test_the_source_of_checks_has_the_family_of_the_reals(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    check = '{ type = "tcp", source = "fd00::9" }'
    assert list(refuse(balancer(check=check))) == ["balancer[0].reals[0]"]
    assert accept(balancer(check=check, reals='["name:80"]'))


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        (
            {"check": '{ type = "tcp", interval = "1s", timeout = "3s" }'},
            "config.toml:5: balancer[0].check: the timeout (3s) is longer than the interval (1s): "
            "a real that hangs is checked less often",
        ),
        (
            {"service": '"udp://192.0.2.1:80"', "check": '{ type = "tcp" }'},
            "config.toml:5: balancer[0].check: the service is UDP but the check connects by TCP",
        ),
        (
            {"weight": "0"},
            "config.toml:4: balancer[0].reals: every real has weight 0: new connections will be refused",
        ),
        (
            {"scheduler": '"rr"', "reals": '["10.0.0.1:80", { address = "10.0.0.2:80", weight = 5 }]'},
            "config.toml:4: balancer[0].reals: rr ignores weights other than 0; wrr heeds them",
        ),
        (
            {
                "scheduler": '"sh"',
                "flags": '["sh-fallback"]',
                "weight": "129",
                "reals": '["10.0.0.1:80", "10.0.0.2:80"]',
            },
            "config.toml:4: balancer[0].reals: sh has 256 slots and gives each real as many as its weight, these want "
            '258: some reals get no clients; smaller weights (1, the default, for equal shares), or scheduler = "mh"',
        ),
        (
            {"scheduler": '"mh"', "flags": '["mh-port"]'},
            "config.toml:6: balancer[0].scheduler: mh refuses new connections of the clients whose real is down; "
            '"mh-fallback" in flags sends them to others',
        ),
        (
            {"scheduler": '"dh"'},
            "config.toml:6: balancer[0].scheduler: dh refuses new connections of the clients whose real is down; "
            'when_down = "remove" sends them to others',
        ),
        (
            {"scheduler": '"lc"', "slow_start": '"30s"'},
            "config.toml:7: balancer[0].slow_start: lc ignores weights other than 0: slow_start does nothing",
        ),
        (
            {"scheduler": '"mh"', "flags": '["mh-fallback"]', "slow_start": '"30s"'},
            "config.toml:8: balancer[0].slow_start: mh hashes clients by the weights of reals: each step of slow_start "
            "moves some to another real",
        ),
        (
            {"scheduler": '"fo"', "slow_start": '"30s"'},
            "config.toml:7: balancer[0].slow_start: fo sends everything to the real with the largest weight: "
            "slow_start only puts off when that is the one that comes back",
        ),
        (
            {"weight": "1", "slow_start": '"30s"'},
            "config.toml:7: balancer[0].slow_start: a weight of 1 has no steps: slow_start does nothing",
        ),
        (
            {"forward": '"direct"', "reals": '["10.0.0.1:8080", "10.0.0.2:80"]'},
            "config.toml:4: balancer[0].reals: 10.0.0.1:8080 gets its packets on port 80: direct does not "
            "change ports, so its own port is only checked (1 such real)",
        ),
    ],
)
def test_what_is_allowed_but_odd_is_warned_about(
    balancer: Write, accept: Accept, keys: dict[str, str], warning: str
) -> None:
    assert accept(balancer(**keys)).warnings == (warning,)


def test_a_udp_service_may_be_checked_by_tcp_on_a_port_of_its_own(balancer: Write, accept: Accept) -> None:
    text = balancer(service='"udp://192.0.2.1:53"', check='{ type = "http", port = 8053 }')
    assert accept(text).warnings == ()


def test_a_plain_config_gives_no_warning(balancer: Write, accept: Accept) -> None:
    assert accept(balancer(check='{ type = "tcp" }')).warnings == ()


SORRY = '{ address = "10.0.0.9:80", backup = true }'


def test_a_backup_stands_behind_a_primary(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    first, backup = accept(balancer(reals=f'["10.0.0.1:80", {SORRY}]')).config.balancers[0].reals
    assert (first.backup, backup.backup) == (False, True)
    assert refuse(balancer(reals=f"[{SORRY}]")) == {
        "balancer[0].reals": "every real is a backup; remove backup = true from those that are to serve first"
    }


def test_a_primary_that_was_refused_leads_to_no_second_complaint(balancer: Write, refuse: Refuse) -> None:
    assert list(refuse(balancer(reals=f'["10.0.0.1", {SORRY}]'))) == ["balancer[0].reals[0]"]


def test_a_share_of_reals_to_open_below_is_for_who_fails_open(balancer: Write, accept: Accept, refuse: Refuse) -> None:
    assert accept(balancer(fail_open_below="0.3")).config.balancers[0].fail_open_below == 0.3
    assert accept(balancer(fail_open_below="0", when_all_down='"fail_closed"'))
    assert refuse(balancer(fail_open_below="0.3", when_all_down='"fail_closed"')) == {
        "balancer[0].fail_open_below": 'fail_open_below needs when_all_down = "fail_open", found "fail_closed"; '
        "remove one of the two"
    }
    assert list(refuse(balancer(fail_open_below="30"))) == ["balancer[0].fail_open_below"]
    assert refuse(balancer(fail_open_belov="0.3")) == {
        "balancer[0]": 'unknown key "fail_open_belov"; did you mean "fail_open_below"?'
    }


@pytest.mark.parametrize(
    "keys",
    [
        {"scheduler": '"sh"', "flags": '["sh-fallback"]', "weight": "128", "reals": '["10.0.0.1:80", "10.0.0.2:80"]'},
        {"scheduler": '"mh"', "flags": '["mh-fallback"]', "reals": '["10.0.0.1:80", "10.0.0.2:80"]'},
        {"scheduler": '"sh"', "service": '"udp://192.0.2.1:80"'},
    ],
    ids=["256 slots", "mh scales weights itself", "no real stays at weight 0 while it is down"],
)
def test_a_hashing_scheduler_that_serves_every_client_is_not_warned_about(
    balancer: Write, accept: Accept, keys: dict[str, str]
) -> None:
    assert accept(balancer(**keys)).warnings == ()


def test_reals_weigh_1_by_default_under_sh_and_1000_otherwise(balancer: Write, accept: Accept) -> None:
    def weights(**keys: str) -> list[int]:
        reals = '["10.0.0.1:80", { address = "10.0.0.2:80", weight = 3 }]'
        return [real.weight for real in accept(balancer(reals=reals, **keys)).config.balancers[0].reals]

    assert weights(scheduler='"sh"') == [1, 3]
    assert weights(scheduler='"sh"', weight="2") == [2, 3]
    assert weights(scheduler='"mh"') == [1000, 3]
