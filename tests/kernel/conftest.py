"""Tests in this directory need a real ip_vs kernel and root: they run in the lab, ``python -m lab pytest``.

Elsewhere they are skipped, with the reason, unless KGLB_REQUIRE_KERNEL=1 makes that an error. KGLB_SHARE=1/2 runs every
second file beginning with the first, for two kernels that share the work.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.host import has_ip_vs
from lab.net import Network

HERE = Path(__file__).parent


def missing_here() -> str:
    """Why kernel tests cannot run here, or an empty string."""
    if os.geteuid() != 0:
        return "needs root: run `python -m lab pytest`"
    if not has_ip_vs():
        return "this kernel has no ip_vs: run `python -m lab pytest`"
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if share := os.environ.get("KGLB_SHARE"):
        _keep_share(config, items, *map(int, share.split("/")))
    missing = missing_here()
    if missing and os.environ.get("KGLB_REQUIRE_KERNEL") == "1":
        raise pytest.UsageError(missing)
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.kernel)
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


def _keep_share(config: pytest.Config, items: list[pytest.Item], which: int, of: int) -> None:
    files = sorted({item.path for item in items})[which - 1 :: of]
    config.hook.pytest_deselected(items=[item for item in items if item.path not in files])
    items[:] = [item for item in items if item.path in files]


@pytest.fixture
def network() -> Iterator[Network]:
    """A client, a director that holds the default VIPs, and two reals."""
    with Network(reals=2) as made:
        made.add_vip()
        yield made
