"""Is the daemon well? A pure function of what is known; the health of the reals is another question."""

from kglb.dataplane.worker import PATIENCE
from kglb.model.operations import describe
from kglb.projections import State
from kglb.web.refusals import Refusals
from kglb.web.vitals import Vitals

_SHOWN = 10


def complaints(state: State, refusals: Refusals, vitals: Vitals) -> list[str]:
    """Why the daemon is not well, a sentence each; empty when it is."""
    found = []
    if not vitals.started:
        found.append("not started yet: the machine has not been read")
    if state.fleet.stopped:
        found.append("stopping")
    if vitals.journal_degraded:
        found.append(f"the journal is degraded: {vitals.journal_degraded}")
    if vitals.machine_silent > PATIENCE:
        found.append(f"the kernel has not answered for {vitals.machine_silent:.0f} s: changes wait for it")
    if vitals.probes_silent:
        found.append(f"no probe has ended for {vitals.probes_silent:.0f} s though some should have")
    contested = [
        f"contested: somebody else changed {entry} {times} times in a row: is another controller at work?"
        for entry, times in vitals.contested.items()
    ]
    found += contested[:_SHOWN]
    if len(contested) > _SHOWN:
        found.append(f"contested: {len(contested) - _SHOWN} more entries")
    refused = refusals.standing(state.data_plane)
    found += [f"refused: {describe(refusal.operation)}: {refusal.error}" for refusal in refused[:_SHOWN]]
    if len(refused) > _SHOWN:
        found.append(f"refused: {len(refused) - _SHOWN} more operations")
    return found
