"""This process's Linux capabilities (capabilities(7)), read from /proc and given up by capset(2) and prctl(2).

They belong to a thread: whoever gives some up does so before a second thread is made. Nothing here ever takes one.
"""

import ctypes
import os
from collections.abc import Collection
from pathlib import Path

NUMBERS = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
}
"""Those that the daemon may have a use for (include/uapi/linux/capability.h)."""

_MOST = 64
_VERSION_3 = 0x20080522
_PR_SET_SECUREBITS = 28
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_NOROOT = 0b11
"""SECBIT_NOROOT and its lock: a program that we start as uid 0 has no capabilities for that."""

_libc = ctypes.CDLL(None, use_errno=True)


def held() -> frozenset[str]:
    """Which of ``NUMBERS`` are permitted to this thread."""
    mask = _permitted()
    return frozenset(name for name, number in NUMBERS.items() if mask >> number & 1)


def suspend_all_but(names: Collection[str]) -> None:
    """Let only these have an effect until ``keep_only``. Raises OSError where the kernel refuses."""
    _set(effective=_mask(names) & _permitted(), permitted=_permitted())


def keep_only(names: Collection[str]) -> None:
    """Give up all capabilities but these, for good, and all ways to get more by starting a program.

    Programs that we start have none at all, whatever their user. Raises OSError where the kernel refuses.
    """
    keep = _mask(names) & _permitted()
    _set(effective=_permitted(), permitted=_permitted())  # which dropping from the bounding set takes
    for number in range(_MOST):
        if not keep >> number & 1:
            _prctl(_PR_CAPBSET_DROP, number)  # refused without CAP_SETPCAP, when there is little to give up
    _prctl(_PR_SET_SECUREBITS, _NOROOT)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _set(effective=keep, permitted=keep)


def _mask(names: Collection[str]) -> int:
    return sum(1 << NUMBERS[name] for name in names)


def _permitted() -> int:
    status = Path("/proc/thread-self/status").read_text("utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("CapPrm:"))
    return int(line.split()[1], 16)


def _set(*, effective: int, permitted: int) -> None:
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    halves = [value >> shift & 0xFFFFFFFF for shift in (0, 32) for value in (effective, permitted, 0)]
    if _libc.capset(header, (ctypes.c_uint32 * 6)(*halves)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")


def _prctl(option: int, argument: int) -> None:
    _libc.prctl(*(ctypes.c_ulong(value) for value in (option, argument, 0, 0, 0)))
