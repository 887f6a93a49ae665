"""A simulator: the whole daemon under virtual time, in a world that tries to break it, from a seed.

The supervisor, balancers, checkers, recorder, applier, projections and the journal are the real ones. What stands
around them is here: reals, probes, kernel, disk, resolver, operator and clock. Same seed, same journal, byte for byte.

==============  =====================================================================================
``mutations``   bugs on purpose, to see that they are found
``report``      what is printed of a simulation
``simulation``  all of it together: a seed, a world, a story, a witness
``story``       what goes wrong when, as the seed says
``quiescence``  invariants that hold once it is quiet
``faults``      what can go wrong, by kind
``witness``     invariants that are checked at every step
``world``       everything outside the daemon, and the daemon's processes, one after the other
``process``     one run of the daemon on all of these
``disk``        files in memory that fail as disks do
``kernel``      the machine, and the thread on which it is asked
``probing``     the prober and the vigil, which ask the reals
``loop``        the event loop of one process that can be killed between any two steps
``reals``       the real servers and what is the case with each
``configs``     configurations
``excuses``     what has happened in the world that excuses the daemon
``agenda``      virtual time: what happens when, one step at a time
``balancers``   balancers of all kinds, and what they and their reals are called
``crash``       an actor that crashes on purpose
``waiting``     no actor waits for another
``violation``   what is raised where an invariant does not hold
==============  =====================================================================================

Each knows only those that stand below it (the import linter holds this). ``python -m sim --help``.
Nothing here reads a clock, opens a socket or writes a file.
"""
