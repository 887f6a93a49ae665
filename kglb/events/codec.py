"""Events to bytes and records back, in one pass of msgspec each way.

A change of an event that a new field with a default does not cover comes with a new format version of the journal and,
here, with the step that lifts old records to it.
"""

from collections.abc import Callable

import msgspec

from journal.format import Record, decode_as
from kglb.events.types import Event

encode: Callable[[Event], bytes] = msgspec.json.Encoder().encode
"""An event as JSON."""

decode = decode_as(Record[Event])
"""The ``journal.Decode`` of our events: from a segment's format version to what makes a record of a line."""
