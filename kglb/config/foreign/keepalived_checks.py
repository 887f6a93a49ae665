"""keepalived's checkers as our checks, with the times that they have there."""

import re
import shlex
from collections.abc import Callable
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


def timers(checker: str, said: Said, check: dict[str, Any]) -> dict[str, Any]:
    """Interval, timeout, rise and fall: keepalived brings a real up by one success, and asks again before it takes one
    down. Raises ValueError.
    """
    if check["type"] == "dummy":
        return {}
    interval = _first(said, "delay_loop", "60")
    retries = whole(_first(said, "retry", _RETRIES.get(checker, "1")))
    again = _first(said, "delay_before_retry", _RETRY_DELAYS.get(checker, "1")) or interval
    found: dict[str, Any] = {"interval": f"{interval}s", "rise": 1, "fall": retries + 1}
    found["timeout"] = check.get("timeout") or f"{_first(said, 'connect_timeout', '5')}s"
    if retries and _seconds(again) < _seconds(interval):
        found["fast_interval"] = f"{again}s"
    return found


def with_todays_names(checker: Block) -> Block:
    """The checker with its options by the names that they have in keepalived 2."""
    if checker.name not in ("HTTP_GET", "SSL_GET"):
        return checker
    inner = (replace(one, name="retry") if one.name == "nb_get_retry" else one for one in checker.inner)
    return replace(checker, inner=tuple(inner))


def check_of(checker: Block, real: Block, said: Said, refuse: Refuse) -> dict[str, Any]:
    """The check that a checker is, without its times. ``said`` has its options, and those that it inherits. Raises
    ValueError.
    """
    kind = CHECKERS[checker.name]
    for one in checker.inner:
        if one.name not in (*_SUPERFLUOUS, *_CONNECTION, *kind.options):
            refuse.missing(one, "")
    check = kind.make(checker, said, refuse)
    of_real = real.words[1] if len(real.words) > 1 else "0"
    own = {one.name: one for one in checker.inner}
    if "connect_ip" in own and _first(own, "connect_ip") != real.words[0]:
        refuse.missing(own["connect_ip"], "a real is checked at its own address")
    if "fwmark" in own:
        refuse.missing(own["fwmark"], "fwmark_checks is the counterpart, with marks of its own")
    if _first(own, "connect_port", of_real) != of_real:
        check["port"] = whole(_first(own, "connect_port"))
    if "bindto" in own:
        check["source"] = _first(own, "bindto")
    return check


_CONNECTION = ("connect_ip", "connect_port", "bindto", "fwmark")


def _plain(kind: str) -> Callable[[Block, Said, Refuse], dict[str, Any]]:
    return lambda _checker, _said, _refuse: {"type": kind}


def _http(checker: Block, said: Said, refuse: Refuse) -> dict[str, Any]:
    urls = [block for block in checker.inner if block.name == "url"]
    if len(urls) > 1:
        refuse.missing(urls[1], "a check asks for one URL")
    url = {one.name: one for one in urls[0].inner} if urls else {}
    for name, block in url.items():
        if name not in ("path", "status_code", "virtualhost", "regex", "regex_stack"):
            refuse.missing(block, "body and body_regex look at the answer itself" if name == "digest" else "")
    check: dict[str, Any] = {"type": "https" if checker.name == "SSL_GET" else "http"}
    check["path"] = _first(url, "path", "/")
    codes = url["status_code"].words if "status_code" in url else ("200-299",)
    check["codes"] = [int(code) if code.isdigit() else code for code in codes]
    if host := _first(url, "virtualhost") or _first(said, "virtualhost"):
        check["headers"] = {"Host": host}
    if pattern := _first(url, "regex"):
        check["body_regex"] = pattern
    return check


def _smtp(checker: Block, _said: Said, refuse: Refuse) -> dict[str, Any]:
    refuse.differs(checker, "only the greeting of the server is checked here, no dialogue")
    return {"type": "tcp", "expect_regex": "^220"}


def _dns(_checker: Block, said: Said, _refuse: Refuse) -> dict[str, Any]:
    return {"type": "dns", "query": _first(said, "name", "."), "record": _first(said, "type", "SOA")}


def _misc(checker: Block, said: Said, refuse: Refuse) -> dict[str, Any]:
    path = said.get("misc_path")
    if path is None or not path.words:
        refuse.wrong(checker, "there is no misc_path")
        return {"type": "exec", "command": []}
    check: dict[str, Any] = {"type": "exec", "command": [*shlex.split(path.words[0]), *path.words[1:]]}
    if "misc_timeout" in said:
        check["timeout"] = f"{_first(said, 'misc_timeout')}s"
    if user := _first(said, "user"):
        check["user"] = user
    if "misc_dynamic" in said:
        check["dynamic_weight"] = True
    return check


def _udp(checker: Block, said: Said, refuse: Refuse) -> dict[str, Any]:
    check: dict[str, Any] = {"type": "udp"}
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
    return check


class _Kind(NamedTuple):
    make: Callable[[Block, Said, Refuse], dict[str, Any]]
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
