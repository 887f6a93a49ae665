"""Tools over a journal: the state at any moment, why a real has its weight, which records, in which words.

Functions over a reader that give structs. Nothing here prints, writes, parses a command line or runs an actor.
"""

from kglb.replay.context import Context
from kglb.replay.errors import (
    AmbiguousRealError,
    Candidate,
    CheckpointError,
    NothingRecordedError,
    OutOfRangeError,
    ReplayError,
    UnclearTimeError,
    UnknownRealError,
)
from kglb.replay.explain import Explanation, Link, explain
from kglb.replay.finding import find_real, find_reals
from kglb.replay.names import Names
from kglb.replay.selection import FIELDS, Filter, FilterError, Selection, parse_filter
from kglb.replay.sentences import Sentence, sentence
from kglb.replay.source import Found, Source
from kglb.replay.state_at import Replayed, state_at
from kglb.replay.times import Moment, parse_moment, read_record_time
from kglb.replay.view import AddressView, RealView, ServiceView, StateView, view

__all__ = [
    "FIELDS",
    "AddressView",
    "AmbiguousRealError",
    "Candidate",
    "CheckpointError",
    "Context",
    "Explanation",
    "Filter",
    "FilterError",
    "Found",
    "Link",
    "Moment",
    "Names",
    "NothingRecordedError",
    "OutOfRangeError",
    "RealView",
    "ReplayError",
    "Replayed",
    "Selection",
    "Sentence",
    "ServiceView",
    "Source",
    "StateView",
    "UnclearTimeError",
    "UnknownRealError",
    "explain",
    "find_real",
    "find_reals",
    "parse_filter",
    "parse_moment",
    "read_record_time",
    "sentence",
    "state_at",
    "view",
]
