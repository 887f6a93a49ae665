"""All events as one type. What caused one stands in its record; where several facts lead to one, it says more."""

from journal.format import JournalGap, JournalRepaired, RecordsLost, SegmentOpened
from kglb.events.balancing import BalancingEvent
from kglb.events.checking import CheckingEvent
from kglb.events.daemon import DaemonEvent
from kglb.events.machine import MachineEvent
from kglb.events.steering import SteeringEvent

JournalEvent = SegmentOpened | JournalRepaired | JournalGap | RecordsLost

Event = JournalEvent | DaemonEvent | CheckingEvent | SteeringEvent | BalancingEvent | MachineEvent
