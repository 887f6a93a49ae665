"""Everything that can go wrong, by kind. ``sim.story`` says when."""

from sim.faults import inside, machine, outside
from sim.faults.kinds import Fault, Over
from sim.faults.outside import become

FAULTS: dict[str, Fault] = {**outside.FAULTS, **inside.FAULTS, **machine.FAULTS}

TROUBLE = ("kernel", "disk", "stranger", "dumps", "reboots")
"""What the kinds of faults that may delay an effect on the kernel have in their names."""

__all__ = ["FAULTS", "TROUBLE", "Fault", "Over", "become"]
