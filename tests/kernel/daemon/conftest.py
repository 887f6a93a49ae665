"""One network for the tests of a file, its reals well at the start of each test, and a daemon of its own for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import Director


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A client, a director without VIPs, and three reals."""
    with Network(reals=3) as made:
        yield made


@pytest.fixture(scope="module")
def servers(network: Network) -> Iterator[Reals]:
    with Reals(network) as made:
        yield made


@pytest.fixture
def reals(servers: Reals) -> Reals:
    servers.behave("answer")
    return servers


@pytest.fixture
def director(network: Network, reals: Reals, tmp_path: Path) -> Iterator[Director]:
    with Director(network, tmp_path) as made:
        yield made
