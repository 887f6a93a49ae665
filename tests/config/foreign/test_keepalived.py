"""keepalived's virtual servers, as what they are here."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.config.foreign.keepalived import convert_keepalived
from kglb.config.foreign.keepalived_checks import CHECKERS
from kglb.config.foreign.keepalived_text import parse_keepalived
from kglb.config.foreign.toml import to_toml
from kglb.config.load import parse
from kglb.config.problems import ConfigError
from kglb.model import Balancer, HttpCheck, TcpCheck, parts_of

REAL = "real_server 10.0.0.7 80 { TCP_CHECK { } }\n"


def server(*options: str, head: str = "192.0.2.1 80", real: str = REAL) -> str:
    protocol = () if any("protocol" in option for option in options) or "fwmark" in head else ("protocol TCP",)
    return f"virtual_server {head} {{\n" + "\n".join((*options, *protocol)) + f"\n{real}}}\n"


def checked(checker: str, *of_server: str) -> str:
    return server(*of_server, real=f"real_server 10.0.0.7 80 {{\n{checker}\n}}\n")


def converted(text: str, *, leave_out: bool = False) -> tuple[Balancer, ...]:
    document, _ = convert_keepalived(text, "keepalived.conf", leave_out=leave_out)
    toml = to_toml(document)
    assert tomllib.loads(toml) == document
    return parse(toml).config.balancers


def one(text: str) -> Balancer:
    [balancer] = converted(text)
    return balancer


def check(text: str) -> dict[str, Any]:
    document, _ = convert_keepalived(text, "keepalived.conf", leave_out=False)
    found: dict[str, Any] = document["balancer"][0]["check"]
    return found


def refusals(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        convert_keepalived(text, "k.conf", leave_out=False)
    return list(caught.value.lines)


class TestText:
    def test_comments_and_braces_stand_where_they_like(self) -> None:
        blocks = parse_keepalived("! said\nglobal_defs\n{\n  a 1 # two\n  b \"x y\" 'z'\n}\n c { d }", "k.conf")
        assert [(block.title, [inner.title for inner in block.inner]) for block in blocks] == [
            ("global_defs", ["a 1", "b x y z"]),
            ("c", ["d"]),
        ]

    def test_each_block_knows_its_line(self) -> None:
        [block] = parse_keepalived("\n\na {\n b\n\n c\n}", "k.conf")
        assert (block.line, [inner.line for inner in block.inner]) == (3, [4, 6])

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a {\n b\n", "k.conf:1: a brace is not closed"),
            ("a\n}\n", "k.conf:2: a brace is closed that was not opened"),
            ('a "b\n', "k.conf:1: a quotation is not closed on its line"),
            ("a\n@main b\n", "k.conf:2: @main: a line for some machines only is not read here; expand it first"),
            (
                "$VIP=192.0.2.1\n",
                "k.conf:1: $VIP=192.0.2.1: a definition, or the use of one is not read here; expand it first",
            ),
            ("a {\n" * 5000, "k.conf: braces are nested too deeply"),
            ("include b.conf\n", "k.conf:1: include: an included file is not read here; expand it first"),
            ("includea b/*\n", "k.conf:1: includea: an included file is not read here; expand it first"),
        ],
    )
    def test_what_cannot_be_read_is_told_with_its_line(self, text: str, said: str) -> None:
        assert refusals(text) == [said]


class TestServices:
    def test_defaults_are_keepaliveds(self) -> None:
        balancer = one(server())
        assert (balancer.name, balancer.id) == ("192.0.2.1:80", "tcp://192.0.2.1:80")
        assert (balancer.service.scheduler, balancer.when_all_down, balancer.when_down) == (
            "wlc",
            "fail_closed",
            "remove",
        )
        assert [(real.host, real.weight, str(real.forward)) for real in balancer.reals] == [
            ("10.0.0.7:80", 1, "masquerade")
        ]
        found = balancer.check
        assert (found.interval, found.timeout, found.rise, found.fall) == (60, 5, 1, 2)
        assert found.fast_interval == 1

    @pytest.mark.parametrize(
        ("head", "options", "services"),
        [
            ("192.0.2.1 53", ("protocol UDP",), ["udp://192.0.2.1:53"]),
            ("fwmark 7", (), ["fwmark://7"]),
            ("fwmark 7", ("ip_family inet6", "lvs_method TUN"), ["fwmark6://7"]),
            ("group web", (), ["tcp://192.0.2.3:80", "tcp://192.0.2.4:80", "tcp://192.0.2.9:443", "fwmark://3"]),
        ],
    )
    def test_a_service_of_each_kind(self, head: str, options: tuple[str, ...], services: list[str]) -> None:
        group = "virtual_server_group web {\n 192.0.2.3-4 80\n 192.0.2.9 443\n fwmark 3\n}\n"
        assert [balancer.id for balancer in converted(group + server(*options, head=head))] == services

    def test_ipv6(self) -> None:
        [balancer] = converted(server(head="2001:db8::1 80", real="real_server 2001:db8::7 80 {\n}\n"))
        assert (balancer.id, balancer.reals[0].host) == ("tcp://[2001:db8::1]:80", "[2001:db8::7]:80")

    @pytest.mark.parametrize(
        ("method", "forward"),
        [
            ("NAT", "masquerade"),
            ("DR", "direct"),
            ("TUN", "ipip"),
            ("TUN type ipip", "ipip"),
            ("TUN type gre", "gre"),
            ("TUN type gre csum", "gre+csum"),
            ("TUN type gue port 6080", "gue:6080"),
            ("TUN type gue port 6080 remcsum", "gue:6080+remcsum"),
        ],
    )
    def test_forwarding(self, method: str, forward: str) -> None:
        assert str(one(server(f"lvs_method {method}")).reals[0].forward) == forward

    def test_options_of_the_service(self) -> None:
        balancer = one(server("lb_algo mh", "mh-port", "persistence_timeout", "persistence_granularity 255.255.255.0"))
        service = balancer.service
        assert (service.scheduler, service.flags) == ("mh", ("flag-2",))
        assert (service.persistence, service.netmask) == (360, 24)

    def test_options_of_a_real(self) -> None:
        real = "real_server 10.0.0.7 80 {\n weight 3\n lvs_method DR\n uthreshold 9\n lthreshold 2\n}\n"
        [found] = one(server("inhibit_on_failure", real=real)).reals
        assert (found.weight, str(found.forward), found.upper, found.lower) == (3, "direct", 9, 2)

    def test_a_sorry_server_is_a_backup(self) -> None:
        text = server("sorry_server 10.0.0.9 80")
        assert [(real.host, real.backup) for real in one(text).reals] == [("10.0.0.7:80", False), ("10.0.0.9:80", True)]
        _, told = convert_keepalived(text, "k.conf", leave_out=False)
        assert [line.render("k.conf") for line in told] == [
            "k.conf:2: virtual_server 192.0.2.1 80: the sorry server is checked here, as the others are"
        ]


class TestChecks:
    def test_times_are_those_of_the_nearest_block(self) -> None:
        text = checked(
            "connect_timeout 2\nTCP_CHECK {\n retry 4\n}", "delay_loop 6", "connect_timeout 9", "delay_before_retry 0.5"
        )
        assert check(text) == {
            "type": "tcp",
            "interval": "6s",
            "timeout": "2s",
            "rise": 1,
            "fall": 5,
            "fast_interval": "0.5s",
        }

    @pytest.mark.parametrize("checker", ["HTTP_GET", "SSL_GET"])
    def test_retries_of_http_have_an_older_name_too(self, checker: str) -> None:
        assert check(checked(f"{checker} {{\n url {{ path / }}\n nb_get_retry 4\n}}"))["fall"] == 5

    @pytest.mark.parametrize(
        ("checker", "found"),
        [
            ("TCP_CHECK { connect_port 81\n bindto 10.0.0.1 }", {"type": "tcp", "port": 81, "source": "10.0.0.1"}),
            ("TCP_CHECK { connect_port 80\n connect_ip 10.0.0.7 }", {"type": "tcp"}),
            ("PING_CHECK { }", {"type": "ping"}),
            ("HTTP_GET { url { path /up } }", {"type": "http", "path": "/up", "codes": ["200-299"]}),
            (
                "SSL_GET { url {\n status_code 200 300-399\n virtualhost a.test\n regex ^ok } }",
                {"type": "https", "codes": [200, "300-399"], "headers": {"Host": "a.test"}, "body_regex": "^ok"},
            ),
            ("DNS_CHECK { }", {"type": "dns", "query": ".", "record": "SOA", "fall": 4}),
            ("DNS_CHECK { name a.test\n type AAAA }", {"type": "dns", "query": "a.test", "record": "AAAA"}),
            ("SMTP_CHECK { }", {"type": "tcp", "expect_regex": "^220"}),
            (
                "MISC_CHECK { misc_path \"/bin/true -v 'a b'\"\n misc_timeout 3\n misc_dynamic\n user nobody }",
                {"type": "exec", "command": ["/bin/true", "-v", "a b"], "dynamic_weight": True, "timeout": "3s"},
            ),
            (
                "UDP_CHECK { payload 0a0b\n require_reply 0c }",
                {"type": "udp", "send": {"hex": "0a0b"}, "expect": {"hex": "0c"}},
            ),
            ("UDP_CHECK { payload 0a\n require_reply }", {"type": "udp", "expect_regex": "(?s)."}),
            ("", {"type": "dummy"}),
        ],
    )
    def test_each_kind(self, checker: str, found: dict[str, Any]) -> None:
        assert check(checked(checker)).items() >= found.items()
        one(checked(checker))

    def test_the_host_may_be_said_further_out(self) -> None:
        assert check(checked("HTTP_GET { }", "virtualhost a.test"))["headers"] == {"Host": "a.test"}

    def test_all_reals_are_checked_alike(self) -> None:
        [said] = refusals(server(real=REAL + "real_server 10.0.0.8 80 { PING_CHECK { } }\n"))
        assert said.startswith("k.conf:4: real_server 10.0.0.8 80: it is checked otherwise than the first real")


class TestSeveralCheckers:
    def test_of_a_real_must_all_pass(self) -> None:
        text = checked(
            "connect_timeout 2\nTCP_CHECK { connect_port 81\n }\nSSL_GET { url { path /up } }", "delay_loop 6"
        )
        assert check(text) == {
            "type": "all",
            "interval": "6s",
            "timeout": "4s",
            "rise": 1,
            "fall": 2,
            "fast_interval": "1s",
            "checks": [{"type": "tcp", "port": 81}, {"type": "https", "path": "/up", "codes": ["200-299"]}],
        }
        assert [type(part) for part in parts_of(one(text).check)] == [TcpCheck, HttpCheck]

    def test_so_must_all_urls_of_one(self) -> None:
        text = checked("HTTP_GET { bindto 10.0.0.9\n connect_port 81\n url { path /a }\n url { path /b } }")
        found = check(text)
        assert (found["source"], found["timeout"]) == ("10.0.0.9", "10s")
        assert [(part["path"], part["port"]) for part in found["checks"]] == [("/a", 81), ("/b", 81)]
        assert len(parts_of(one(text).check)) == 2

    def test_have_the_times_of_the_most_eager_and_the_most_patient_together(self) -> None:
        text = checked(
            "MISC_CHECK { misc_path /bin/true\n misc_timeout 3 }\nDNS_CHECK { }\n"
            "TCP_CHECK { delay_loop 20\n connect_timeout 0.5 }"
        )
        found = check(text)
        assert (found["interval"], found["fall"], found["fast_interval"]) == ("20s", 4, "1s")
        assert found["timeout"] == "8.5s"
        _, told = convert_keepalived(text, "k.conf", leave_out=False)
        assert [line.render("k.conf") for line in told] == [
            "k.conf:3: real_server 10.0.0.7 80: its checkers differ in their times, and have common ones here"
        ]

    def test_are_asked_again_no_later_than_otherwise(self) -> None:
        text = checked("TCP_CHECK { delay_loop 2\n retry 0 }\nHTTP_GET { delay_loop 60 }")
        assert "fast_interval" not in check(text)
        assert one(text).check.fall == 2

    def test_one_that_waits_for_silence_is_the_last(self) -> None:
        text = checked("UDP_CHECK { payload 0a }\nTCP_CHECK { }\nPING_CHECK { }")
        assert [part["type"] for part in check(text)["checks"]] == ["tcp", "ping", "udp"]
        one(text)

    @pytest.mark.parametrize(
        ("checkers", "said"),
        [
            (
                "UDP_CHECK { payload 0a }\nUDP_CHECK { payload 0b }",
                "k.conf:3: real_server 10.0.0.7 80: two of its UDP_CHECKs have no require_reply: each would take the "
                "whole timeout",
            ),
            (
                "TCP_CHECK { bindto 10.0.0.8 }\nPING_CHECK { bindto 10.0.0.9 }",
                "k.conf:5: PING_CHECK: bindto has no counterpart; all checks of a real come from one address",
            ),
            (
                "TCP_CHECK { bindto 10.0.0.8 }\nPING_CHECK { }",
                "k.conf:4: PING_CHECK: bindto has no counterpart; all checks of a real come from one address",
            ),
            (
                "MISC_CHECK { misc_path /bin/true\n misc_dynamic }\nMISC_CHECK { misc_path /bin/true\n misc_dynamic }",
                "k.conf:7: MISC_CHECK: misc_dynamic has no counterpart; one of several checks says the weight",
            ),
        ],
    )
    def test_what_cannot_be_together_is_told(self, checkers: str, said: str) -> None:
        assert said in refusals(checked(checkers))


class TestWhatHasNoCounterpart:
    TEXT = server("quorum 2", "quorum_up /up.sh", "hysteresis 1", "unheard_of 3") + "vrrp_instance A {\n}\n"

    def test_it_is_refused_all_at_once(self) -> None:
        place = "virtual_server 192.0.2.1 80"
        assert refusals(self.TEXT) == [
            f"k.conf:2: {place}: quorum has no counterpart; announce.min_alive is the counterpart, for routes",
            f"k.conf:3: {place}: quorum_up has no counterpart; kglb-actors notify --exec tells a program",
            f"k.conf:4: {place}: hysteresis has no counterpart; announce.min_alive_to_announce is the counterpart, for "
            "routes",
            f"k.conf:5: {place}: unheard_of has no counterpart",
        ]

    def test_it_can_be_left_out_and_is_told(self) -> None:
        document, told = convert_keepalived(self.TEXT, "k.conf", leave_out=True)
        assert len(document["balancer"]) == 1
        assert [line.render("k.conf").partition(": ")[0] for line in told] == [f"k.conf:{n}" for n in (2, 3, 4, 5, 9)]
        assert told[-1].message == "stays keepalived's"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (checked("TCP_CHECK { fwmark 3 }"), "fwmark has no counterpart; fwmark_checks"),
            (
                checked("TCP_CHECK { connect_ip 10.0.0.8 }"),
                "connect_ip has no counterpart; a real is",
            ),
            (checked("TCP_CHECK { bind_if eth0 }"), "bind_if has no counterpart"),
            (checked("HTTP_GET { url { digest 00 } }"), "digest has no counterpart"),
            (checked("UDP_CHECK { payload 0a\n require_reply 0X }"), "require_reply has no counterpart"),
            (checked("MISC_CHECK { }"), "there is no misc_path"),
            (checked("FILE_CHECK { }"), "FILE_CHECK has no counterpart"),
            (server("protocol SCTP"), "protocol SCTP: there is TCP and UDP only"),
            (
                "virtual_server 192.0.2.1 80 {\n}\n",
                "k.conf:1: virtual_server 192.0.2.1 80: there is no protocol; say which",
            ),
            (server(head="group none"), "there is no virtual_server_group none"),
            (server(head="192.0.2.1-300 80"), "virtual_server 192.0.2.1-300 80: "),
            (server(head="10.0.0.0/8 80"), "10.0.0.0/8 has more than 1024 addresses"),
            (server("lvs_method FNAT"), "expected NAT, DR, or TUN"),
            (server("delay_loop soon"), 'expected seconds, found "soon"'),
            (server("retry few"), 'expected a whole number, found "few"'),
            (server(real="real_server web 80 {\n}\n"), "real_server web 80: expected an address and a port"),
            ("global_defs {\n}\n", "there is no virtual_server"),
        ],
    )
    def test_it_is_told_by_name(self, text: str, said: str) -> None:
        assert any(said in line for line in refusals(text))


KEYWORDS = """
virtual_server virtual_server_group real_server group fwmark web 192.0.2.1 80 7 url 2001:db8::1 10.0.0.0/30 lvs_method
TUN type gue port persistence_timeout weight x persistence_granularity sorry_server delay_loop retry delay_before_retry
misc_path status_code { } { } " !
"""
WORDS = st.sampled_from([*KEYWORDS.split(), "\n", "\n", "\n", *CHECKERS])


def refused(text: str) -> tuple[str, ...]:
    """Why a text is refused though everything without a counterpart is left out."""
    try:
        convert_keepalived(text, "k.conf", leave_out=True)
    except ConfigError as error:
        return error.lines
    return ()


@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_whatever_a_text_says_only_what_is_said_of_it_may_end_it(text: str) -> None:
    assert all(line.startswith("k.conf") for line in refused(text))


def test_what_keepalived_brings_along_is_read() -> None:
    samples = sorted(Path("/usr/share/doc/keepalived/samples").glob("keepalived.conf.*"))
    if not samples:
        pytest.skip("keepalived is not installed: no samples of its config")
    texts = [text for text in (sample.read_text() for sample in samples) if "\nvirtual_server " in text]
    said = [line for text in texts for line in refused(text)]
    assert [line for line in said if not line.endswith(KNOWN)] == []
    assert sum(not refused(text) for text in texts) >= len(texts) / 2


KNOWN = ("KGLB_ADDRESS and KGLB_PORT", "expand it first")
"""What samples are refused for: checks that differ, lines for some machines."""
