"""What all tests share. In the lab's kernel system calls are slow: no property test fails for being slow, and none for
a fixture that its examples share.

Property tests try the same examples each time, so that a run says something about the change and nothing else;
``HYPOTHESIS_PROFILE=explore`` has them try others.
"""

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests.left_behind import verify_all

_PATIENT = hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.register_profile("kglb", _PATIENT, derandomize=True)
hypothesis.settings.register_profile("explore", _PATIENT)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "kglb"))


@pytest.fixture(autouse=True)
def _journals_verify() -> Iterator[None]:
    """What a daemon recorded in a test is what its decision code says again."""
    yield
    verify_all()
