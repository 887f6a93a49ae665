"""Everything that can go wrong, by kind. ``sim.story`` says when."""

from sim.faults import inside, machine, outside
from sim.faults.kinds import Fault, Over
from sim.faults.outside import become

FAULTS: dict[str, Fault] = {**outside.FAULTS, **inside.FAULTS, **machine.FAULTS}

POOL_FAULTS: dict[str, Fault] = dict(outside.POOL_FAULTS)
"""What can go wrong besides in a world that has pools."""

TROUBLE = ("kernel", "disk", "stranger", "dumps", "reboots")
"""What the kinds of faults that may delay an effect on the kernel have in their names."""

__all__ = ["FAULTS", "POOL_FAULTS", "TROUBLE", "Fault", "Over", "become"]
