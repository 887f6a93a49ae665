"""The kernel's routing tables, as far as every machine has the same."""

from collections.abc import Iterator

import pytest

from kglb.dataplane.routes import Route, Routes


@pytest.fixture
def routes() -> Iterator[Routes]:
    made = Routes()
    yield made
    made.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_reaches_itself_by_lo(routes: Routes, address: str) -> None:
    assert routes.to(address) == Route("lo", address, local=True)


def test_what_is_no_address_is_asked_of_nobody(routes: Routes) -> None:
    with pytest.raises(ValueError, match="IPv4 or IPv6"):
        routes.to("real0.example.com")
