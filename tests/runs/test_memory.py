"""The C library keeps freed memory in the process, so that the next step need not request it again."""

import platform
import subprocess
import sys

import pytest

#: Prints the number of blocks that are mapped separately while 31 MiB are in use, and how much of it is free for reuse
#: after they were freed. Counters of the C library, so the result does not depend on the load of the machine.
ALLOCATE = """
import ctypes
from adaptive_diffusion.runs.memory import keep_freed_memory

class Statistics(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes, library.free.argtypes = (
    ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
)
library.mallinfo2.restype = Statistics
if {keep}:
    assert keep_freed_memory()
mapped = library.mallinfo2().hblks
block = library.malloc(31 << 20)
mapped = library.mallinfo2().hblks - mapped
library.free(block)
print(mapped, library.mallinfo2().fordblks >> 20)
"""


def allocate(keep: bool) -> tuple[int, int]:
    """The number of separately mapped blocks, and the MiB that are free for reuse afterwards."""
    program = [sys.executable, "-c", ALLOCATE.format(keep=keep)]
    mapped, free = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    return int(mapped), int(free)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="counters of glibc")
def test_freed_memory_is_reused_and_not_returned_to_the_system():
    mapped, free = allocate(keep=False)
    assert (mapped, free < 31) == (1, True)
    mapped, free = allocate(keep=True)
    assert (mapped, free < 31) == (0, False)
