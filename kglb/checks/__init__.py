"""Probing: one prober for the whole process, and one kind of probe per module.

``make_probe`` turns a check of the config and a real's endpoint into a ``Probe``; the ``Prober`` makes it
when it is due and calls back with an ``Outcome``. Nothing here keeps a real's health, decides, records, or
knows an actor.

=============  =====================================================================
``outcome``    what a probe finds
``port``       what checkers ask of a prober
``prober``     the batched prober: due times, deadlines, reports
``timetable``  the heap behind due times and deadlines
``watch``      which sockets have news
``gate``       a balancer's bound on probes under way
``dial``       sockets, and whom an errno accuses
``marked``     sockets under a firewall mark
``probe``      what all probes have in common
``dummy``, ``tcp``, ``http``, ``https``  the kinds
``make``       from the config to a probe
=============  =====================================================================
"""

from kglb.checks.gate import Gate
from kglb.checks.make import make_probe
from kglb.checks.marked import MarkedDialer
from kglb.checks.outcome import Outcome, Status, Verdict
from kglb.checks.port import ProberPort
from kglb.checks.probe import Probe
from kglb.checks.prober import Prober, ProberStats

__all__ = [
    "Gate",
    "MarkedDialer",
    "Outcome",
    "Probe",
    "Prober",
    "ProberPort",
    "ProberStats",
    "Status",
    "Verdict",
    "make_probe",
]
