"""The allocator of this process: freed memory stays in the process."""

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of mallopt(3)


def keep_freed_memory() -> bool:
    """Makes the C library reuse freed memory for the next tensor; returns whether it accepted the setting.

    Every step needs tensors of the sizes of the step before. By default glibc returns large ones to the system at once,
    and the next step pays for each page again (docs/performance.md). On other systems nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # 32 MiB is the largest value that glibc accepts for the first; the second is the largest C int.
    return mallopt is not None and bool(mallopt(MMAP_THRESHOLD, 32 << 20)) and bool(mallopt(TRIM_THRESHOLD, 2**31 - 1))
