"""keepalived's checkers as our checks, with the times that they have there."""

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from kglb.config.foreign.keepalived_text import Block
from kglb.config.problems import show

TIMERS = ("delay_loop", "connect_timeout", "retry", "delay_before_retry")

_RETRIES = {"DNS_CHECK": "3", "MISC_CHECK": "0"}
_RETRY_DELAYS = {"HTTP_GET": "3", "SSL_GET": "3", "DNS_CHECK": ""}
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_SUPERFLUOUS = ("alpha", "warmup", "log_all_failures", *TIMERS)

Said = dict[str, Block]
Check = dict[str, Any]


class Refuse(NamedTuple):
    """Where to say that an option is missing here, that something differs, or that it cannot be converted at all."""

    missing: Callable[[Block, str], None]
    differs: Callable[[Block, str], None]
    wrong: Callable[[Block, str], None]


def _first(said: Said, name: str, default: str = "") -> str:
    return said[name].words[0] if name in said and said[name].words else default


def whole(text: str) -> int:
    """A number of the config. Raises ValueError."""
    if not text.isdecimal():
        raise ValueError(f"expected a whole number, found {show(text)}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected seconds, found {show(text)}") from None


class Times(NamedTuple):
    """When a checker asks, in seconds as they were written, and how often again before it takes a real down; ``again``
    is after how many seconds, empty where that is not sooner.
    """

    interval: str
    timeout: str
    retries: int
    again: str

    def keys(self) -> Check:
        """The same as keys of a check: keepalived brings a real up by one success."""
        found: Check = {"interval": f"{self.interval}s", "rise": 1, "fall": self.retries + 1}
        found["timeout"] = f"{self.timeout}s"
        return found | ({"fast_interval": f"{self.again}s"} if self.again else {})


def times_of(checker: str, said: Said) -> Times:
    """The times of a checker. Raises ValueError."""
    interval = _first(said, "delay_loop", "60")
    retries = whole(_first(said, "retry", _RETRIES.get(checker, "1")))
    again = _first(said, "delay_before_retry", _RETRY_DELAYS.get(checker, "1")) or interval
    is_sooner = retries and _seconds(again) < _seconds(interval)
    of_program = _first(said, "misc_timeout") if checker == "MISC_CHECK" else ""
    return Times(interval, of_program or _first(said, "connect_timeout", "5"), retries, again if is_sooner else "")


def with_todays_names(checker: Block) -> Block:
    """The checker with its options by the names that they have in keepalived 2."""
    if checker.name not in ("HTTP_GET", "SSL_GET"):
        return checker
    inner = (replace(one, name="retry") if one.name == "nb_get_retry" else one for one in checker.inner)
    return replace(checker, inner=tuple(inner))


def times_of_all(every: Sequence[Times]) -> Times:
    """The times of several that are one check, which is made no less often than any of them, allows each what it allows
    itself, and takes no real down sooner.
    """
    if len(every) == 1:
        return every[0]
    interval = min((one.interval for one in every), key=_seconds)
    sooner = (one.again for one in every if one.again and _seconds(one.again) < _seconds(interval))
    again = min(sooner, key=_seconds, default="")
    timeout = f"{sum(_seconds(one.timeout) for one in every):g}"
    return Times(interval, timeout, max(one.retries for one in every), again)


def waits_for_silence(check: Check) -> bool:
    """Whether a check takes all of its timeout to pass, so that none can come after it."""
    return check["type"] == "udp" and not {"expect", "expect_regex"} & check.keys()


def checks_of(checker: Block, real: Block, said: Said, refuse: Refuse) -> list[Check]:
    """The checks that a checker is, without times: one, but for each URL of HTTP_GET. ``said`` has its options, and
    those that it inherits. Raises ValueError.
    """
    kind = CHECKERS[checker.name]
    for one in checker.inner:
        if one.name not in (*_SUPERFLUOUS, *_CONNECTION, *kind.options):
            refuse.missing(one, "")
    checks = kind.make(checker, said, refuse)
    of_real = real.words[1] if len(real.words) > 1 else "0"
    own = {one.name: one for one in checker.inner}
    if "connect_ip" in own and _first(own, "connect_ip") != real.words[0]:
        refuse.missing(own["connect_ip"], "a real is checked at its own address")
    if "fwmark" in own:
        refuse.missing(own["fwmark"], "fwmark_checks is the counterpart, with marks of its own")
    if _first(own, "connect_port", of_real) != of_real:
        port = whole(_first(own, "connect_port"))
        checks = [check | {"port": port} for check in checks]
    return checks


def source_of(checker: Block) -> str:
    """The address that a checker connects from, if it says one."""
    return _first({one.name: one for one in checker.inner}, "bindto")


_CONNECTION = ("connect_ip", "connect_port", "bindto", "fwmark")


def _plain(kind: str) -> Callable[[Block, Said, Refuse], list[Check]]:
    return lambda _checker, _said, _refuse: [{"type": kind}]


def _http(checker: Block, said: Said, refuse: Refuse) -> list[Check]:
    urls = [{one.name: one for one in block.inner} for block in checker.inner if block.name == "url"]
    return [_of_url(checker, url, said, refuse) for url in urls or ({},)]


def _of_url(checker: Block, url: Said, said: Said, refuse: Refuse) -> Check:
    for name, block in url.items():
        if name not in ("path", "status_code", "virtualhost", "regex", "regex_stack"):
            refuse.missing(block, "body and body_regex look at the answer itself" if name == "digest" else "")
    check: Check = {"type": "https" if checker.name == "SSL_GET" else "http"}
    check["path"] = _first(url, "path", "/")
    codes = url["status_code"].words if "status_code" in url else ("200-299",)
    check["codes"] = [int(code) if code.isdigit() else code for code in codes]
    if host := _first(url, "virtualhost") or _first(said, "virtualhost"):
        check["headers"] = {"Host": host}
    if pattern := _first(url, "regex"):
        check["body_regex"] = pattern
    return check


def _smtp(checker: Block, _said: Said, refuse: Refuse) -> list[Check]:
    refuse.differs(checker, "only the greeting of the server is checked here, no dialogue")
    return [{"type": "tcp", "expect_regex": "^220"}]


def _dns(_checker: Block, said: Said, _refuse: Refuse) -> list[Check]:
    return [{"type": "dns", "query": _first(said, "name", "."), "record": _first(said, "type", "SOA")}]


def _misc(checker: Block, said: Said, refuse: Refuse) -> list[Check]:
    path = said.get("misc_path")
    if path is None or not path.words:
        refuse.wrong(checker, "there is no misc_path")
        return [{"type": "exec", "command": []}]
    check: Check = {"type": "exec", "command": [*shlex.split(path.words[0]), *path.words[1:]]}
    if user := _first(said, "user"):
        check["user"] = user
    if "misc_dynamic" in said:
        check["dynamic_weight"] = True
    return [check]


def _udp(checker: Block, said: Said, refuse: Refuse) -> list[Check]:
    check: Check = {"type": "udp"}
    for name, key in (("payload", "send"), ("require_reply", "expect")):
        if name in said and (digits := "".join(said[name].words)):
            if _HEX.fullmatch(digits):
                check[key] = {"hex": digits}
            else:
                refuse.missing(said[name], "write bytes in full, of two digits each")
    if "require_reply" in said and not said["require_reply"].words:
        check["expect_regex"] = "(?s)."  # any answer but an empty one
    if "payload" not in said:
        refuse.differs(checker, "an empty datagram is sent, not a random one")
    return [check]


class _Kind(NamedTuple):
    make: Callable[[Block, Said, Refuse], list[Check]]
    options: tuple[str, ...] = ()


CHECKERS: dict[str, _Kind] = {
    "TCP_CHECK": _Kind(_plain("tcp")),
    "HTTP_GET": _Kind(_http, ("url", "http_protocol", "fast_recovery", "virtualhost")),
    "SSL_GET": _Kind(_http, ("url", "http_protocol", "fast_recovery", "virtualhost", "enable_sni")),
    "SMTP_CHECK": _Kind(_smtp, ("helo_name",)),
    "DNS_CHECK": _Kind(_dns, ("type", "name")),
    "MISC_CHECK": _Kind(_misc, ("misc_path", "misc_timeout", "misc_dynamic", "user")),
    "PING_CHECK": _Kind(_plain("ping")),
    "UDP_CHECK": _Kind(_udp, ("payload", "require_reply")),
}
"""By keepalived's name of it: what it becomes, and the options that are read."""
