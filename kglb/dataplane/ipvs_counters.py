"""The counters in the answers of the family IPVS. Pure, as ``ipvs_codec``, which has the rest of the layout::

service      12 stats64
destination  7 active u32, 8 inactive u32, 12 stats64
stats64      1 connections, 2 packets in, 3 packets out, 4 bytes in, 5 bytes out, each u64; then rates
"""

import struct

from kglb.dataplane.counters import DestinationCounters, Traffic
from kglb.dataplane.ipvs_codec import real_of
from kglb.dataplane.netlink import Attributes, attributes, understood

_SERVICE, _DESTINATION = 1, 2
_STATS64 = 12

_U32 = struct.Struct("=I")
_TOTALS = struct.Struct("=HHQ HHQ HHQ HHQ HHQ")  # each behind its header: length, kind
_U64 = struct.Struct("=Q")
_KINDS = (1, 2, 3, 4, 5)


@understood
def decode_traffic(answer: memoryview) -> Traffic:
    """The traffic of the service in an answer."""
    return _traffic(attributes(attributes(answer)[_SERVICE]))


@understood
def decode_counters(answer: memoryview) -> DestinationCounters:
    """The counters of the destination in an answer."""
    values = attributes(attributes(answer)[_DESTINATION])
    return DestinationCounters(
        real=real_of(values),
        weight=_U32.unpack(values[4])[0],
        active=_U32.unpack(values[7])[0],
        inactive=_U32.unpack(values[8])[0],
        traffic=_traffic(values),
    )


def _traffic(values: Attributes) -> Traffic:
    packed = values.get(_STATS64)
    if packed is None:  # Linux before 4.1
        return Traffic()
    if len(packed) >= _TOTALS.size:
        totals = _TOTALS.unpack_from(packed)
        if totals[1::3] == _KINDS:  # as every kernel writes them that need not align 64 bits
            return Traffic(*totals[2::3])
    counters = attributes(packed)
    return Traffic(*(_U64.unpack(counters[kind])[0] for kind in _KINDS))
