"""A simulator: the whole daemon under virtual time, in a world that tries to break it, from a seed.

The supervisor, balancers, checkers, recorder, applier, projections and the journal are the real ones. What stands
around them is here: reals, probes, kernel, disk, resolver, operator and clock. Same seed, same journal, byte for byte.

==============  =====================================================================================
``agenda``      virtual time: what happens when, one step at a time
``loop``        the event loop of one process that can be killed between any two steps
``reals``       the real servers and what is the case with each
``probing``     the prober and the vigil, which ask the reals
``kernel``      the machine, and the thread on which it is asked
``disk``        files in memory that fail as disks do
``balancers``   balancers of all kinds, and what they and their reals are called
``configs``     configurations
``process``     one run of the daemon on all of these
``faults``      what can go wrong, by kind
``story``       what goes wrong when, as the seed says
``witness``     invariants that are checked at every step: ``testimony`` of the probes, ``facts``, ``deeds``
``crash``       an actor that crashes on purpose
``waiting``     no actor waits for another
``quiescence``  invariants that hold once it is quiet
``world``       all of it together: one simulation
``report``      what is printed of it
``mutations``   bugs on purpose, to see that they are found
==============  =====================================================================================

``python -m sim --help``. Nothing here reads a clock, opens a socket or writes a file.
"""
