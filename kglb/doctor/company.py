"""Do other controllers change this machine's IPVS, and is its clock synchronised?"""

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
                "it deletes services that are not its own, and the daemon adds them again, without end",
                advice="run one of the two on another machine, or kube-proxy in another mode than ipvs",
            )
        else:
            why = "it changes the services of its own config: no service may be in both configs"
            yield note(f"{name} runs here", why)
    if facts.services:
        yield note(
            f"services that are not in this config: {some(facts.services)}",
            "they are left alone, and counted in kglb_foreign_services, unless the daemon added them since this boot",
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
