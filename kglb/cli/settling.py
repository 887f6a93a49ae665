"""What a start leaves behind in memory, dealt with once. Most of what a start makes stays for as long as the daemon."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def start_without_collecting() -> Iterator[None]:
    """Within, the collector looks for no cycles: among objects that only grow in number it would look in vain, for a
    tenth of the time a start takes. Afterwards it does so once, and never again looks at what has stayed.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
        _give_back()


def _give_back() -> None:
    """Give the kernel what the C library keeps of freed memory (malloc_trim(3)); other libraries do not have it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
