"""Sockets of probes, and whom an errno accuses."""

import errno
import os
import socket
import struct

import pytest

from kglb.checks.dial import Dialer, verdict_of
from tests.checks.servers import refusing, serving, silent


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ECONNRESET, "reset"),
        (errno.EPIPE, "reset"),
        (errno.ETIMEDOUT, "timeout of the kernel"),
        (errno.EHOSTUNREACH, "no route to host"),
        (errno.EHOSTDOWN, "no route to host"),
        (errno.ENETUNREACH, "network unreachable"),
        (errno.ENONET, "network unreachable"),
        (errno.ENOPROTOOPT, "protocol unreachable"),
        (errno.EACCES, "prohibited"),
    ],
)
def test_what_the_network_answers_accuses_the_real(code: int, reason: str) -> None:
    verdict = verdict_of(code)
    assert (verdict.status, verdict.reason) == ("failure", reason)
    assert verdict.detail


@pytest.mark.parametrize(
    "name",
    ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EADDRINUSE", "EAGAIN", "EPERM", "EACCES", "EIO"],
)
def test_what_our_own_calls_answer_accuses_this_machine(name: str) -> None:
    verdict = verdict_of(getattr(errno, name), at_once=True)
    assert (verdict.status, verdict.reason) == ("unknown", f"local error {name}")


@pytest.mark.parametrize("code", [None, -9, 0, 99999])
def test_what_has_no_name_accuses_nobody(code: int | None) -> None:
    assert verdict_of(code).status == "unknown"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_dialing_neither_blocks_nor_leaks_into_children(address: str) -> None:
    with refusing(address) as real:
        sock = Dialer().dial(real)
    assert not os.get_inheritable(sock.fileno())
    assert sock.gettimeout() == 0
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack("ii", 1, 0)
    sock.close()


def test_the_source_address_is_bound_without_a_port_of_its_own() -> None:
    with serving(silent) as real:
        sock = Dialer("127.0.0.9").dial(real)
        assert sock.getsockname()[0] == "127.0.0.9"
        sock.close()


def test_a_dial_that_fails_at_once_leaves_nothing_open() -> None:
    with refusing() as real, pytest.raises(OSError, match="Cannot assign requested address"):
        Dialer("192.0.2.1").dial(real)


def test_the_fwmark_is_on_the_socket() -> None:
    with serving(silent) as real:
        try:
            sock = Dialer(mark=10).dial(real)
        except PermissionError:
            pytest.skip("setting a fwmark needs CAP_NET_ADMIN")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_MARK) == 10
        sock.close()
