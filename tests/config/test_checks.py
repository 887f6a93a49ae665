import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import json, structs

from kglb.config.load import Loaded, parse
from kglb.config.problems import ConfigError
from kglb.model import (
    AllCheck,
    Check,
    Config,
    DnsCheck,
    DummyCheck,
    ExecCheck,
    HttpCheck,
    PingCheck,
    SyslogCheck,
    TcpCheck,
    UdpCheck,
    asks_the_same,
    parts_of,
    question_of,
    secrets_of,
)

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
        ('type = "tcp", watch = true, fast_interval = "2ms"', TcpCheck(watch=True, fast_interval=0.002)),
        ('type = "https", watch = true', HttpCheck(tls=True, watch=True)),
        ('type = "dummy", watch = false', DummyCheck()),
        ('type = "tcp", interval = "1s", fast_interval = "1s"', TcpCheck(interval=1.0, fast_interval=1.0)),
        ('type = "http"', HttpCheck(path="/", codes=(200,))),
        ('type = "https", path = "/health?deep=1"', HttpCheck(path="/health?deep=1", tls=True)),
        ('type = "http", codes = [301, "200-202", 201]', HttpCheck(codes=(200, 201, 202, 301))),
        ('type = "http", headers = { Host = "a.example" }', HttpCheck(headers={"Host": "a.example"})),
        ('type = "tcp", close = "fin"', TcpCheck(close="fin")),
        (r'type = "tcp", send = "PING\r\n", expect = "+PONG"', TcpCheck(send=b"PING\r\n", expect=b"+PONG")),
        ('type = "tcp", send = { hex = "0a fF" }, expect_regex = "^a"', TcpCheck(send=b"\n\xff", expect_regex="^a")),
        ('type = "tcp", tls = true, expect = "220"', TcpCheck(tls=True, expect=b"220")),
        ('type = "tcp", tls = true, sni = "A.test", verify = true', TcpCheck(tls=True, sni="a.test", verify=True)),
        ('type = "tcp", sni = "", verify = false, ca_file = ""', TcpCheck()),
        ('type = "udp", send = "caf\u00e9"', UdpCheck(send="caf\u00e9".encode())),
        ('type = "http", body = "well"', HttpCheck(body="well")),
        ("type = \"http\", body_regex = '\\d+'", HttpCheck(body_regex=r"\d+")),
        ('type = "http", method = "HEAD"', HttpCheck(method="HEAD")),
        ('type = "https", method = "OPTIONS", body = "a"', HttpCheck(method="OPTIONS", body="a", tls=True)),
        ('type = "http", follow_redirects = true', HttpCheck(follow_redirects=True)),
        ('type = "http", proxy_check_url = "https://a.test/b?c=1"', HttpCheck(proxy_check_url="https://a.test/b?c=1")),
        ('type = "https", sni = "A.test", verify = true', HttpCheck(tls=True, sni="a.test", verify=True)),
        ('type = "dns", query = "www.test"', DnsCheck(query="www.test")),
        (
            'type = "dns", query = ".", record = "SOA", protocol = "tcp", rcode = "refused"',
            DnsCheck(query=".", record="SOA", protocol="tcp", rcode=5),
        ),
        ('type = "dns", query = "a", rcode = 9', DnsCheck(query="a", rcode=9)),
        ('type = "syslog", protocol = "tcp", level = "err"', SyslogCheck(protocol="tcp", level="err")),
        ('type = "exec", command = ["/bin/sh", "-c", "exit 0"]', ExecCheck(command=("/bin/sh", "-c", "exit 0"))),
        ('type = "ping"', PingCheck()),
        (
            'type = "all", timeout = "1s", port = 81, checks = [{ type = "tcp", port = 9000 }, { type = "https" }]',
            AllCheck(
                timeout=1.0,
                port=81,
                checks=(question_of(TcpCheck(port=9000)), question_of(HttpCheck(tls=True))),
            ),
        ),
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
        ('fast_interval = "1ms"', "fast_interval"),
        ('fast_interval = "6s"', "fast_interval"),
        ('watch = "yes"', "watch"),
        ("watch = 1", "watch"),
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


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ('type = "tcp", close = "rst"', "close"),
        ('type = "tcp", send = 5', "send"),
        ('type = "tcp", send = { hex = "abc" }', "send.hex"),
        ('type = "tcp", send = { hex = "" }', "send.hex"),
        ('type = "tcp", send = {}', "send"),
        ('type = "tcp", expect_regex = "("', "expect_regex"),
        ('type = "tcp", tls = "yes"', "tls"),
        ('type = "tcp", sni = "a.test"', "sni"),
        ('type = "tcp", verify = true', "verify"),
        ('type = "tcp", tls = true, sni = "a b"', "sni"),
        ('type = "tcp", tls = true, ca_file = "/nonexistent.pem", verify = true', "ca_file"),
        ('type = "https", tls = true', ""),
        ('type = "udp", tls = true', ""),
        ('type = "udp", expect = "a", expect_regex = "a"', "expect_regex"),
        ('type = "http", body = "a", body_regex = "a"', "body_regex"),
        ('type = "http", method = "POST"', "method"),
        ('type = "http", method = "get"', "method"),
        ('type = "http", method = "HEAD", body = "a"', "method"),
        ('type = "https", method = "HEAD", body_regex = "a"', "method"),
        ('type = "http", follow_redirects = "yes"', "follow_redirects"),
        ('type = "http", proxy_check_url = "ftp://a/"', "proxy_check_url"),
        ('type = "http", proxy_check_url = "http:///a"', "proxy_check_url"),
        ('type = "http", proxy_check_url = "http://a:0/"', "proxy_check_url"),
        ('type = "http", proxy_check_url = "https://no..name/"', "proxy_check_url"),
        ('type = "http", proxy_check_url = "http://user:secret@a/"', "proxy_check_url"),
        ('type = "http", proxy_check_url = "http://[a/"', "proxy_check_url"),
        ('type = "https", sni = "a b"', "sni"),
        ('type = "https", ca_file = "/nonexistent.pem", verify = true', "ca_file"),
        ('type = "dns"', ""),
        ('type = "dns", query = "a..b"', "query"),
        ('type = "dns", query = "\u00e9.test"', "query"),
        ('type = "dns", query = "a", record = "ANY"', "record"),
        ('type = "dns", query = "a", protocol = "tls"', "protocol"),
        ('type = "dns", query = "a", rcode = 16', "rcode"),
        ('type = "dns", query = "a", rcode = "OOPS"', "rcode"),
        ('type = "syslog", level = "loud"', "level"),
        ('type = "exec", command = []', "command"),
        ('type = "exec", command = "true"', "command"),
        ('type = "exec", command = ["true"]', "command"),
        ('type = "exec", command = ["/nonexistent/program"]', "command"),
        ('type = "exec", command = ["/etc/passwd"]', "command"),
    ],
)
def test_a_mistake_of_a_kind_is_refused_at_its_place(balancer: Write, refuse: Refuse, written: str, key: str) -> None:
    assert list(refuse(balancer(check=f"{{ {written} }}"))) == [f"balancer[0].check{'.' * bool(key)}{key}"]


def test_a_pattern_that_only_python_takes_is_explained(balancer: Write, refuse: Refuse) -> None:
    [said] = refuse(balancer(check="{ type = 'http', body_regex = '(?!busy)ok' }")).values()
    assert said == (
        "RE2 does not take this pattern: invalid perl operator: (?!; "
        "RE2 cannot look ahead or behind: write what must be there"
    )


def test_no_message_shows_the_credentials_of_a_url(balancer: Write, refuse: Refuse) -> None:
    check = '{ type = "http", proxy_check_url = "http://user:s3cret@a/" }'
    assert "s3cret" not in str(refuse(balancer(check=check)))


@pytest.mark.parametrize(
    "check",
    [
        TcpCheck(send=b"\x00\xff", expect=b"ok", expect_regex="^a", close="fin"),
        TcpCheck(tls=True, sni="a.test", verify=True, ca_file="/ca.pem"),
        HttpCheck(
            body="caf\u00e9", follow_redirects=True, proxy_check_url="https://a.test/", sni="b.test", verify=True
        ),
        DnsCheck(query=".", record="SOA", protocol="tcp", rcode=5),
        SyslogCheck(level="err"),
        UdpCheck(send=b"\n"),
        ExecCheck(command=("/bin/true", "-v")),
        PingCheck(port=0),
        AllCheck(checks=(question_of(TcpCheck(port=81)), question_of(ExecCheck(command=("/bin/true",))))),
    ],
)
def test_a_check_survives_the_journal(balancer: Write, accept: Callable[..., Loaded], check: Check) -> None:
    config = accept(balancer()).config
    config = structs.replace(config, balancers=(structs.replace(config.balancers[0], check=check),))
    assert json.decode(json.encode(config), type=Config) == config


class TestACaFile:
    def write(self, directory: Path, name: str = "ca.pem") -> str:
        shutil.copy(Path(__file__).parents[1] / "checks" / "ca.pem", directory / name)
        return BALANCER.format(name=name)

    def test_starts_at_the_configs_directory(self, tmp_path: Path) -> None:
        loaded = parse(self.write(tmp_path), source=str(tmp_path / "config.toml"))
        assert loaded.config.balancers[0].check == HttpCheck(tls=True, verify=True, ca_file=str(tmp_path / "ca.pem"))

    def test_that_holds_no_certificate_is_refused(self, tmp_path: Path) -> None:
        text = self.write(tmp_path)
        (tmp_path / "ca.pem").write_text("hello")
        with pytest.raises(ConfigError, match="holds no certificates in PEM"):
            parse(text, source=str(tmp_path / "config.toml"))

    def test_of_a_tcp_check_is_that_of_its_server(self, tmp_path: Path) -> None:
        text = self.write(tmp_path).replace('"https"', '"tcp", tls = true')
        check = parse(text, source=str(tmp_path / "config.toml")).config.balancers[0].check
        assert check == TcpCheck(tls=True, verify=True, ca_file=str(tmp_path / "ca.pem"))

    def test_without_tls_is_refused(self, tmp_path: Path) -> None:
        text = self.write(tmp_path).replace('"https"', '"tcp"')
        with pytest.raises(ConfigError, match=r"check\.ca_file: this is for a check over TLS; add tls = true"):
            parse(text, source=str(tmp_path / "config.toml"))

    def test_without_verification_is_refused(self, tmp_path: Path) -> None:
        text = self.write(tmp_path).replace("verify = true, ", "")
        with pytest.raises(ConfigError, match="add verify = true"):
            parse(text, source=str(tmp_path / "config.toml"))


BALANCER = """
[[balancer]]
name = "web"
service = "tcp://192.0.2.1:443"
reals = ["10.0.0.1:443"]
check = {{ type = "https", verify = true, ca_file = "{name}" }}
"""


@pytest.mark.parametrize(
    ("check", "warned"),
    [
        ('{ type = "http", proxy_check_url = "http://a/", path = "/b" }', True),
        ('{ type = "http", proxy_check_url = "http://a/" }', False),
    ],
)
def test_a_path_beside_a_proxys_url_is_warned_about(
    balancer: Write, accept: Callable[..., Loaded], check: str, warned: bool
) -> None:
    assert any("the path is not used" in warning for warning in accept(balancer(check=check)).warnings) is warned


@pytest.mark.parametrize(("kind", "accepted"), [("ping", True), ("exec", True), ("tcp", False), ("udp", False)])
def test_a_real_on_port_0_has_only_checks_that_need_none(
    balancer: Write, accept: Callable[..., Loaded], refuse: Refuse, kind: str, accepted: bool
) -> None:
    command = ', command = ["/bin/true"]' if kind == "exec" else ""
    text = balancer(forward='"tunnel"', reals='["10.0.0.1:0"]', check=f'{{ type = "{kind}"{command} }}')
    if accepted:
        assert accept(text)
    else:
        assert "no port to check" in str(refuse(text))


@pytest.mark.parametrize(
    ("check", "warned"),
    [
        ('type = "tcp"', True),
        ('type = "http"', True),
        ('type = "dns", query = ".", protocol = "tcp"', False),
        ('type = "syslog", protocol = "tcp"', False),
        ('type = "udp"', False),
        ('type = "ping"', False),
    ],
)
def test_a_udp_service_checked_by_tcp_is_warned_about_where_tcp_is_another_server(
    balancer: Write, accept: Callable[..., Loaded], check: str, warned: bool
) -> None:
    text = balancer(service='"udp://192.0.2.1:53"', reals='["10.0.0.1:53"]', check=f"{{ {check} }}")
    assert bool(accept(text).warnings) is warned


@pytest.mark.parametrize("kind", ["dummy", "udp", "ping", "syslog"])
def test_only_a_check_that_connects_by_tcp_can_be_watched(balancer: Write, refuse: Refuse, kind: str) -> None:
    assert refuse(balancer(check=f'{{ type = "{kind}", watch = true }}')) == {
        "balancer[0].check.watch": f'a check of type "{kind}" makes no TCP connection that could be watched'
    }


def test_dns_and_syslog_over_tcp_can_be_watched(balancer: Write, accept: Callable[..., Loaded]) -> None:
    assert accept(balancer(check='{ type = "syslog", protocol = "tcp", watch = true }'))
    assert accept(balancer(check='{ type = "dns", query = ".", protocol = "tcp", watch = true }'))


TYPES = 'one of "tcp", "http", "https", "dns", "syslog", "udp", "exec", "ping"'


class TestSeveralThatMustAllPass:
    @pytest.mark.parametrize(
        ("checks", "problems"),
        [
            ("[]", {"": "no check at all: it would always pass"}),
            ('{ type = "tcp" }', {"": "expected a list, found a table"}),
            ('["tcp"]', {"[0]": 'expected a table, found "tcp"'}),
            ("[{ port = 81 }]", {"[0]": 'missing "type"'}),
            (
                '[{ type = "dummy" }, { type = "all" }]',
                {
                    "[0].type": f'expected {TYPES}, found "dummy"',
                    "[1].type": f'expected {TYPES}, found "all"',
                },
            ),
            (
                '[{ type = "tcp" }, { type = "http", path = "up", port = 0 }]',
                {
                    "[1].path": 'expected a path like "/health" in ASCII without spaces, found "up"',
                    "[1].port": "expected a whole number from 1 to 65535, found 0",
                },
            ),
            (
                '[{ type = "http", method = "HEAD", body = "a" }]',
                {"[0].method": "the answer to a HEAD has no body; ask by GET"},
            ),
            ('[{ type = "tcp", sni = "a.test" }]', {"[0].sni": "this is for a check over TLS; add tls = true"}),
        ],
    )
    def test_mistakes_are_told_at_their_place(
        self, balancer: Write, refuse: Refuse, checks: str, problems: dict[str, str]
    ) -> None:
        found = refuse(balancer(check=f'{{ type = "all", checks = {checks} }}'))
        assert found == {f"balancer[0].check.checks{place}": said for place, said in problems.items()}

    @pytest.mark.parametrize(
        "key", ["interval", "timeout", "rise", "fall", "source", "close", "fast_interval", "watch"]
    )
    def test_what_is_said_of_them_all_is_not_said_of_one(self, balancer: Write, refuse: Refuse, key: str) -> None:
        check = f'{{ type = "all", checks = [{{ type = "tcp", {key} = "1s" }}] }}'
        assert refuse(balancer(check=check)) == {
            "balancer[0].check.checks[0]": (
                f'unknown key "{key}"; it is a key of balancer[0].check: move it above this table'
            )
        }

    def test_they_may_be_tables_of_their_own(self, balancer: Write, accept: Callable[..., Loaded]) -> None:
        tables = "".join(f'[[balancer.check.checks]]\ntype = "{kind}"\n' for kind in ("tcp", "ping"))
        [found] = accept(f'{balancer(check="")}[balancer.check]\ntype = "all"\n{tables}').config.balancers
        assert [type(part) for part in parts_of(found.check)] == [TcpCheck, PingCheck]

    @pytest.mark.parametrize("waiting", ['type = "udp"', 'type = "syslog"'])
    def test_one_that_waits_for_silence_is_the_last(
        self, balancer: Write, accept: Callable[..., Loaded], refuse: Refuse, waiting: str
    ) -> None:
        first, last = (
            f'{{ type = "all", checks = [{one}] }}'
            for one in (
                f'{{ {waiting} }}, {{ type = "tcp" }}',
                f'{{ type = "tcp" }}, {{ {waiting} }}',
            )
        )
        assert accept(balancer(check=last))
        assert refuse(balancer(check=first)) == {
            "balancer[0].check.checks[0]": (
                "it passes when the timeout is over: no time is left for the next; put it last"
            )
        }

    def test_only_one_says_the_weight(self, balancer: Write, refuse: Refuse) -> None:
        one = '{ type = "exec", command = ["/bin/true"], dynamic_weight = true }'
        found = refuse(balancer(check=f'{{ type = "all", checks = [{one}, {{ type = "ping" }}, {one}] }}'))
        assert found == {
            "balancer[0].check.checks[2].dynamic_weight": "another of these checks says the real's weight already"
        }

    @pytest.mark.parametrize(
        ("parts", "watched"), [('{ type = "ping" }', False), ('{ type = "ping" }, { type = "tcp" }', True)]
    )
    def test_they_can_be_watched_if_one_connects_by_tcp(
        self, balancer: Write, accept: Callable[..., Loaded], refuse: Refuse, parts: str, watched: bool
    ) -> None:
        text = balancer(check=f'{{ type = "all", watch = true, checks = [{parts}] }}')
        if watched:
            assert accept(text)
        else:
            assert list(refuse(text)) == ["balancer[0].check.watch"]

    @pytest.mark.parametrize(
        ("parts", "warned"),
        [
            ('{ type = "udp" }', False),
            ('{ type = "ping" }, { type = "tcp" }', True),
            ('{ type = "tcp", port = 81 }', False),
        ],
    )
    def test_a_udp_service_is_warned_about_one_that_connects_to_its_port_by_tcp(
        self, balancer: Write, accept: Callable[..., Loaded], parts: str, warned: bool
    ) -> None:
        text = balancer(
            service='"udp://192.0.2.1:53"', reals='["10.0.0.1:53"]', check=f'{{ type = "all", checks = [{parts}] }}'
        )
        assert bool(accept(text).warnings) is warned

    @pytest.mark.parametrize(
        ("parts", "accepted"),
        [
            ('{ type = "ping" }', True),
            ('{ type = "tcp", port = 81 }', True),
            ('{ type = "ping" }, { type = "tcp" }', False),
        ],
    )
    def test_a_real_on_port_0_needs_a_port_for_each_that_connects(
        self, balancer: Write, accept: Callable[..., Loaded], refuse: Refuse, parts: str, accepted: bool
    ) -> None:
        text = balancer(forward='"tunnel"', reals='["10.0.0.1:0"]', check=f'{{ type = "all", checks = [{parts}] }}')
        if accepted:
            assert accept(text)
        else:
            assert "no port to check" in str(refuse(text))

    @pytest.mark.parametrize(
        ("parts", "accepted"),
        [('{ type = "http" }, { type = "tcp" }', True), ('{ type = "http" }, { type = "ping" }', False)],
    )
    def test_they_go_through_the_vip_if_each_does(
        self, balancer: Write, accept: Callable[..., Loaded], refuse: Refuse, parts: str, accepted: bool
    ) -> None:
        text = balancer(fwmark_checks="true", check=f'{{ type = "all", checks = [{parts}] }}')
        if accepted:
            assert accept(text)
        else:
            assert refuse(text) == {"balancer[0].fwmark_checks": "only checks over TCP can go through the VIP"}

    def test_their_secrets_are_the_configs(self, balancer: Write) -> None:
        parts = '{ type = "http" }, { type = "http", headers = { Authorization = { env = "TOKEN" } } }'
        loaded = parse(balancer(check=f'{{ type = "all", checks = [{parts}] }}'), environ={"TOKEN": "s3cret"})
        assert secrets_of(loaded.config.balancers[0].check) == loaded.secrets.keys()
        assert "s3cret" not in str(json.encode(loaded.config))

    def test_they_ask_the_same_at_other_times_but_not_in_another_order(self) -> None:
        tcp, http = question_of(TcpCheck()), question_of(HttpCheck())
        check = AllCheck(checks=(tcp, http))
        assert asks_the_same(check, AllCheck(checks=(tcp, http), interval=1.0, timeout=0.5, rise=1))
        assert not asks_the_same(check, AllCheck(checks=(http, tcp)))
        assert not asks_the_same(check, AllCheck(checks=(tcp, http), source="10.0.0.9"))
