"""All rules in the order in which a person would put their findings right: the kernel first, the company last."""

from kglb.doctor import company, forwarding, ipvs, process, storage, tunnels, vips
from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding

MACHINE = (*ipvs.RULES, *vips.RULES, *forwarding.RULES, *tunnels.RULES)
"""What matters only where the kernel is driven, not with the data plane in memory."""

ANYWHERE = (*process.RULES, *storage.RULES)


def diagnose(facts: Facts) -> list[Finding]:
    """What is not as it should be; problems before notes, else in the order of the rules."""
    in_earnest = facts.config.data_plane.kind == "ipvs"
    rules = (*MACHINE, *ANYWHERE, *company.RULES) if in_earnest else ANYWHERE
    findings = [finding for rule in rules for finding in rule(facts)]
    return sorted(findings, key=lambda finding: finding.level != "problem")
