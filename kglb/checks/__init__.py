"""Probing: one prober for the whole process, and one kind of probe per module.

``make_probe`` turns a check of the config and a real's endpoint into a ``Probe``; the ``Prober`` makes it
when it is due and calls back with an ``Outcome``. Nothing here keeps a real's health, decides, records, or
knows an actor.

==============================  =============================================================="""

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
