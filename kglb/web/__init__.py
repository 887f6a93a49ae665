"""The status address: a live page, metrics and a health answer, served by a small HTTP server of our own. And the
control socket, where orders are taken.

The status address reads projections and counters and changes nothing; orders come over the control socket alone. It
knows no actor: the command line gives it what it reads, and who carries orders out.
"""

from kglb.web.board import Board, Past
from kglb.web.control import ControlError, ControlServer
from kglb.web.hosts import acceptance
from kglb.web.loop_lag import LoopLag
from kglb.web.server import ListenError, StatusServer
from kglb.web.status import Status
from kglb.web.traffic import TrafficReader
from kglb.web.vitals import Vitals

__all__ = [
    "Board",
    "ControlError",
    "ControlServer",
    "ListenError",
    "LoopLag",
    "Past",
    "Status",
    "StatusServer",
    "TrafficReader",
    "Vitals",
    "acceptance",
]
