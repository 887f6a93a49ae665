"""Tools over a journal: the state at any moment, what differs, why it is so, which records, in which words.

Functions over a reader that give structs. Nothing here prints, writes, parses a command line or runs an actor; what was
done to the machine is done again by ``playback``, to the data plane it is given.
"""

from kglb.replay.anonymise import (
    Anonymiser,
)
from kglb.replay.causes import (
    Cause,
    Causes,
)
from kglb.replay.context import (
    Context,
)
from kglb.replay.differences import (
    Difference,
    differences,
)
from kglb.replay.errors import (
    AmbiguousRealError,
    AmbiguousSubjectError,
    Candidate,
    CheckpointError,
    Kind,
    NothingRecordedError,
    OutOfRangeError,
    ReplayError,
    Subject,
    UnclearTimeError,
    UnknownRealError,
    UnknownSubjectError,
)
from kglb.replay.explain import (
    AnyExplanation,
    explain,
)
from kglb.replay.explanation import (
    AddressExplanation,
    Explanation,
    Link,
    RealExplanation,
    RouteExplanation,
    ServiceExplanation,
)
from kglb.replay.export import (
    export,
)
from kglb.replay.figures import (
    Figures,
)
from kglb.replay.finding import (
    find_real,
    find_reals,
)
from kglb.replay.fsck import (
    Checked,
    fsck,
)
from kglb.replay.merge import (
    Shown,
    Stretch,
    following,
    hosts,
    newest_first,
    oldest_first,
)
from kglb.replay.names import (
    Names,
)
from kglb.replay.playback import (
    Playback,
    Recording,
    Refusal,
    Step,
    known_interfaces,
)
from kglb.replay.selection import (
    FIELDS,
    Filter,
    FilterError,
    Selection,
    parse_filter,
    parse_pattern,
)
from kglb.replay.sentences import (
    Sentence,
    sentence,
)
from kglb.replay.settings import (
    Setting,
    SettingError,
    Settings,
    parse_setting,
)
from kglb.replay.source import (
    Found,
    Source,
)
from kglb.replay.state_at import (
    Onward,
    Replayed,
    state_at,
)
from kglb.replay.times import (
    Moment,
    parse_moment,
    read_record_time,
)
from kglb.replay.verify import (
    Divergence,
    Verified,
    verify,
)
from kglb.replay.view import (
    AddressView,
    RealView,
    RouteView,
    ServiceView,
    StateView,
    view,
)
from kglb.replay.whatif import (
    BalancerSides,
    RealSides,
    Transition,
    WhatIf,
    whatif,
)

__all__ = [
    "FIELDS",
    "AddressExplanation",
    "AddressView",
    "AmbiguousRealError",
    "AmbiguousSubjectError",
    "Anonymiser",
    "AnyExplanation",
    "BalancerSides",
    "Candidate",
    "Cause",
    "Causes",
    "Checked",
    "CheckpointError",
    "Context",
    "Difference",
    "Divergence",
    "Explanation",
    "Figures",
    "Filter",
    "FilterError",
    "Found",
    "Kind",
    "Link",
    "Moment",
    "Names",
    "NothingRecordedError",
    "Onward",
    "OutOfRangeError",
    "Playback",
    "RealExplanation",
    "RealSides",
    "RealView",
    "Recording",
    "Refusal",
    "ReplayError",
    "Replayed",
    "RouteExplanation",
    "RouteView",
    "Selection",
    "Sentence",
    "ServiceExplanation",
    "ServiceView",
    "Setting",
    "SettingError",
    "Settings",
    "Shown",
    "Source",
    "StateView",
    "Step",
    "Stretch",
    "Subject",
    "Transition",
    "UnclearTimeError",
    "UnknownRealError",
    "UnknownSubjectError",
    "Verified",
    "WhatIf",
    "differences",
    "explain",
    "export",
    "find_real",
    "find_reals",
    "following",
    "fsck",
    "hosts",
    "known_interfaces",
    "newest_first",
    "oldest_first",
    "parse_filter",
    "parse_moment",
    "parse_pattern",
    "parse_setting",
    "read_record_time",
    "sentence",
    "state_at",
    "verify",
    "view",
    "whatif",
]
