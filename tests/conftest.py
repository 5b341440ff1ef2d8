"""For all tests: properties are searched without a clock, so that a busy machine fails none."""

from hypothesis import settings

settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")
