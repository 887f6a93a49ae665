"""Seeds that once showed something wrong, as the simulator is now; docs/verification.md says what it was."""

import pytest

from sim.report import details, run
from sim.simulation import Plan

FOUND = {
    80206: "a primary whose name was resolved after a backup had taken over was taken for one to wait for",
    100025: "the simulator took a balancer that asked for names when it was looked at for one that leaks tasks",
    100168: "the simulator took a backup for up that had passed once, and so a failsafe for unjustified",
    100633: "the simulator did not know that a contested entry is a reason to put it right",
    80647: "verify took the cause of a decision in mode backup, a second verdict, for a wrong one",
    310646: "the simulator took an interval of a second for one that new reals do not wait for",
    310953: "the simulator remembered that reals had passed before, with which the daemon began anew",
    201663: "a backup that stood by came to the kernel, and left it, with the next reload and not with its health",
}


@pytest.mark.parametrize("seed", FOUND)
def test_what_was_found_is_right_now(seed: int) -> None:
    result = run(Plan(seed))
    assert not result.wrong, details(result)
