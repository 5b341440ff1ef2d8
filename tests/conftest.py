"""For all tests: one thread, because equal bits need equal threads, and no clock, so that a busy machine fails none."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; programs that tests start inherit it

from hypothesis import settings

settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")
