"""A marked connection is dialed only while its mark leads somewhere (CONFORMANCE D13)."""

import errno
import socket

import pytest

from kglb.checks.marked import MarkedDialer
from kglb.model import Endpoint


def test_without_its_service_in_the_kernel_nothing_is_dialed() -> None:
    dialer = MarkedDialer("", 10000, lambda: False)
    with pytest.raises(OSError, match="mark 10000 is not in the kernel") as refused:
        dialer.dial(Endpoint("127.0.0.1", 9))
    assert refused.value.errno == errno.ENOLINK


def test_d13_the_connection_comes_from_the_source() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dialer = MarkedDialer("127.1.1.1", 0, lambda: True)
        dialed = dialer.dial(Endpoint(*server.getsockname()))
        connection, (peer, _) = server.accept()
        connection.close()
        dialed.close()
    assert peer == "127.1.1.1"
