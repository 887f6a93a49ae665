"""Who else is at work on this machine's IPVS, and does its clock agree with others'?"""

from collections.abc import Iterator

from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem
from kglb.doctor.wanted import some

DELETING = frozenset({"kube-proxy", "kube-router", "kglbd"})
"""Controllers that delete services which are not theirs (kubernetes#59507, kube-router#829, KgLb's manager.go)."""

SHARING = frozenset({"keepalived", "ldirectord", "pybal", "seesaw_engine"})
"""Controllers that touch only what their own configs name."""


def shares_with(facts: Facts) -> Iterator[Finding]:
    """Two controllers on one table."""
    for name in facts.controllers:
        if name in DELETING:
            yield problem(
                f"{name} runs here",
                "it deletes services that are not its own, and the daemon adds them again: both for ever",
                advice="one of the two elsewhere; kube-proxy may also run in another mode than ipvs",
            )
        else:
            why = "it touches what its own config names: no service may be in both configs"
            yield note(f"{name} runs here", why)
    if facts.services:
        yield note(
            f"services that are not this config's: {some(facts.services)}",
            "they are left alone, and counted in kglb_foreign_services, unless this boot's journal says we made them",
        )


def tells_the_time(facts: Facts) -> Iterator[Finding]:
    """The journal's times are this machine's clock's."""
    if facts.synchronised is False:
        yield note(
            "the clock is not synchronised",
            "the journal's times cannot be compared with those of other machines",
            advice="run chrony or systemd-timesyncd",
        )


RULES = (shares_with, tells_the_time)
