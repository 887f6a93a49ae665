"""The driver: what breaks is found and can be had again; what takes too long or too much is broken, too."""

import random
import time
from itertools import islice

import pytest

from fuzz import bounds, plain

SEEDS = [b"GET / HTTP/1.1\r\n\r\n", b"{}"]


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second = (list(islice(plain.mutations(SEEDS, random.Random(7)), 50)) for _ in range(2))
    assert first == second
    assert first != list(islice(plain.mutations(SEEDS, random.Random(8)), 50))


def test_an_input_that_raises_is_kept_with_what_it_raised() -> None:
    def one_input(data: bytes) -> None:
        if b"\xff" in data:
            raise KeyError("broken")

    with pytest.raises(plain.Finding) as found:
        plain.run(one_input, SEEDS, executions=10_000)
    assert isinstance(found.value.__cause__, KeyError)
    with pytest.raises(KeyError):
        one_input(found.value.data)


def test_what_hangs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.05)
    with pytest.raises(plain.Finding) as found:
        plain.run(lambda _: time.sleep(60), SEEDS, executions=1)
    assert isinstance(found.value.__cause__, bounds.Hung)


def test_what_takes_too_much_memory_is_found() -> None:
    def one_input(_: bytes) -> None:
        assert bytes(bounds.MEMORY + 1)

    with pytest.raises(plain.Finding) as found:
        plain.run(one_input, SEEDS, executions=1)
    assert isinstance(found.value.__cause__, bounds.TooMuchMemory)


def test_a_run_ends_where_it_is_told_to() -> None:
    assert plain.run(lambda _: None, SEEDS, executions=25).executions == 25
    assert plain.run(lambda _: None, [], seconds=0.01).seconds < 5.0
