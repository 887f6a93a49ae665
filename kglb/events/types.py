"""All events as one type. An event's record names its cause; an event with several causes names the others itself."""

from journal.format import JournalGap, JournalRepaired, RecordsLost, SegmentOpened
from kglb.events.balancing import BalancingEvent
from kglb.events.checking import CheckingEvent
from kglb.events.daemon import DaemonEvent
from kglb.events.machine import MachineEvent
from kglb.events.steering import SteeringEvent

JournalEvent = SegmentOpened | JournalRepaired | JournalGap | RecordsLost

Event = JournalEvent | DaemonEvent | CheckingEvent | SteeringEvent | BalancingEvent | MachineEvent
