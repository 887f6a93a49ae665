"""The status address: a live page, metrics and a health answer, served by a small HTTP server of our own.

It reads projections and counters and changes nothing. It knows no actor: the command line gives it what it
reads.
"""

from kglb.web.board import Board, Past
from kglb.web.loop_lag import LoopLag
from kglb.web.server import ListenError, StatusServer
from kglb.web.status import Status
from kglb.web.traffic import TrafficReader
from kglb.web.vitals import Vitals

__all__ = ["Board", "ListenError", "LoopLag", "Past", "Status", "StatusServer", "TrafficReader", "Vitals"]
