"""Settings with which a plan would never end are refused."""

import pytest

from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.prism import LowestQuality
from adaptive_diffusion.rules.plans.ranking import SelfPlanning
from adaptive_diffusion.rules.plans.self_aware import SelfAwareKernel
from adaptive_diffusion.rules.plans.uniform import Clock, UniformRoutes
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut


@pytest.mark.parametrize(
    "broken",
    [
        lambda: SelfPlanning(0),
        lambda: WideInNarrowOut(most=0),
        lambda: LowestQuality(0),
        lambda: SelfAwareKernel(steps=0),
        lambda: EntropyBoundAcceptance(-0.1),
        lambda: PlannedDenoising(0),
        lambda: UniformRoutes(0),
        lambda: Clock(3, -1),
    ],
)
def test_plans_that_never_end_are_refused(broken):
    with pytest.raises(ValueError, match=r"at least 1|never finish"):
        broken()
