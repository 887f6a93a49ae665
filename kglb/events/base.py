"""What every event is."""

import msgspec


class EventBase(msgspec.Struct, frozen=True, tag=True, kw_only=True, gc=False):
    """A fact. The tag, by which it is known in the journal, is the class name."""
