from collections.abc import Iterator

import pytest

from tests.browser.chromium import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium for the tests of one module."""
    window = Browser(tmp_path_factory.mktemp("profile"))
    try:
        yield window
    finally:
        window.close()
