"""What a process does with memory it is done with."""

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of mallopt(3)


def keep_freed_memory() -> bool:
    """Tells the C library to keep freed memory for the next tensor, and says whether it took it.

    Every step needs tensors of the sizes of the step before. By default glibc hands large ones back to the system at
    once, and the next step pays for each page anew (docs/performance.md). Elsewhere nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # 32 MiB is the most that glibc takes for the first; the second is the largest C int.
    return mallopt is not None and bool(mallopt(MMAP_THRESHOLD, 32 << 20)) and bool(mallopt(TRIM_THRESHOLD, 2**31 - 1))
