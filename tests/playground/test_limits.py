"""Users come and go within the limits."""

import pytest

from adaptive_diffusion.playground.limits import Limits, Visitors


def test_user_beyond_the_limit_is_refused_until_another_is_idle_or_leaves():
    now = [0.0]
    visitors = Visitors(Limits(users=2, idle_seconds=10), clock=lambda: now[0])
    visitors.admit("a")
    visitors.admit("b")
    with pytest.raises(ValueError, match="2 people use this playground"):
        visitors.admit("c")
    now[0] = 9
    visitors.admit("a")
    now[0] = 11  # b has been idle for longer than 10 seconds, a has not
    visitors.admit("c")
    with pytest.raises(ValueError, match="2 people"):
        visitors.admit("b")
    visitors.leave("a")
    visitors.admit("b")


@pytest.mark.parametrize("name", ["characters", "positions", "steps", "seconds", "variations", "users"])
def test_limit_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}=0 must be above 0"):
        Limits(**{name: 0})
