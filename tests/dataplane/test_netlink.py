"""The socket, tried on the one family that every kernel has: the controller, which knows the others."""

import errno
import socket
from collections.abc import Iterator

import pytest

from kglb.dataplane.netlink import GenericNetlink, attribute, attributes, messages

GET_FAMILY = 3
NO_SUCH_COMMAND = 200
FAMILY_ID = 1
FAMILY_NAME = 2


def by_name(name: str) -> tuple[int, bytes]:
    return GET_FAMILY, attribute(FAMILY_NAME, name.encode() + b"\0")


@pytest.fixture
def controller() -> Iterator[GenericNetlink]:
    netlink = GenericNetlink("nlctrl")
    yield netlink
    netlink.close()


def test_an_attribute_is_padded_to_four_bytes_but_its_length_is_not() -> None:
    assert attribute(2, b"abc") == bytes.fromhex("07000200 61626300")
    assert attribute(2, b"") == bytes.fromhex("04000200")


def test_attributes_are_split_by_type_whatever_their_flags() -> None:
    packed = memoryview(attribute(2, b"abc") + attribute(0x8001, b"wxyz") + attribute(0x4003, b""))
    assert {kind: bytes(value) for kind, value in attributes(packed).items()} == {
        2: b"abc",
        1: b"wxyz",
        3: b"",
    }


@pytest.mark.parametrize("broken", ["", "0300", "00000100", "03000100ff"])
def test_what_is_no_attribute_ends_the_list(broken: str) -> None:
    packed = memoryview(attribute(1, b"abcd") + bytes.fromhex(broken))
    assert list(attributes(packed)) == [1]


def test_a_message_without_a_length_is_an_error_and_not_read_for_ever() -> None:
    with pytest.raises(OSError, match="a message of 0 bytes"):
        list(messages(bytes(16)))


def test_a_family_that_is_not_there_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        GenericNetlink("no_such_family")


def test_a_question_has_its_answer(controller: GenericNetlink) -> None:
    answer = controller.get(by_name("nlctrl"))
    assert bytes(attributes(answer)[FAMILY_ID]) == b"\x10\0"


def test_a_question_that_is_refused_raises_the_kernels_error(controller: GenericNetlink) -> None:
    with pytest.raises(OSError, match="not supported") as refused:
        controller.get((NO_SUCH_COMMAND, b""))
    assert refused.value.errno == errno.EOPNOTSUPP


def test_a_dump_has_the_whole_table(controller: GenericNetlink) -> None:
    names = [bytes(attributes(answer)[FAMILY_NAME]) for answer in controller.dump((GET_FAMILY, b""))]
    assert b"nlctrl\0" in names


def test_each_request_of_a_batch_has_its_own_outcome(controller: GenericNetlink) -> None:
    fine, wrong = by_name("nlctrl"), (NO_SUCH_COMMAND, b"")
    assert controller.request([fine] * 3) == [0, 0, 0]
    assert controller.request([wrong, fine, wrong]) == [errno.EOPNOTSUPP, 0, errno.EOPNOTSUPP]
    assert controller.request([fine, wrong] * 125) == [0, errno.EOPNOTSUPP] * 125


def test_lost_answers_leave_the_outcome_unknown_and_the_next_batch_is_right(
    controller: GenericNetlink,
) -> None:
    controller._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    errors = controller.request([(NO_SUCH_COMMAND, b"")] * 250)
    assert set(errors) == {errno.EOPNOTSUPP, errno.ENOBUFS}
    controller._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert controller.request([by_name("nlctrl")] * 2) == [0, 0]


def test_sequence_numbers_start_again_before_they_overflow(controller: GenericNetlink) -> None:
    controller._next = (1 << 32) - 2
    assert controller.request([by_name("nlctrl")] * 2) == [0, 0]
    assert controller.request([by_name("nlctrl")] * 3) == [0, 0, 0]
    assert controller._next == 4


def test_a_dump_that_was_interrupted_is_made_again(controller: GenericNetlink, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = iter([([], True), ([memoryview(b"whole")], False)])
    monkeypatch.setattr(controller, "_ask", lambda request, flags: next(attempts))
    assert controller.dump((GET_FAMILY, b"")) == [memoryview(b"whole")]


def test_a_table_that_never_rests_is_an_error(controller: GenericNetlink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "_ask", lambda request, flags: ([], True))
    with pytest.raises(BlockingIOError, match="changed during each of 5 attempts"):
        controller.dump((GET_FAMILY, b""))
