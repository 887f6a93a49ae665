"""Memory after a start: the collector leaves alone what is there, and freed memory goes back to the kernel."""

import ctypes
import gc


def settle() -> None:
    """Let the collector look for cycles from now on, but never again at what has stayed until now; and give the kernel
    what the C library keeps of freed memory (malloc_trim(3)), where it can.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
