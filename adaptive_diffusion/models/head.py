"""What a head on a denoiser is."""

from typing import ClassVar

from torch import Tensor, nn

from adaptive_diffusion.core.loss_inputs import LossInputs


class Head(nn.Module):
    """A small network on a denoiser's hidden states; the base of every head, a user's own included.

    A head lives under its name in the `heads` of a `DenoiserWithHeads`. It is used in one of two ways:

    * `summary = True`: `summarise` runs in every evaluation, and rules read its output as `prediction[name]`;
    * `summary = False`: a rule calls it; the rule declares the name as `needs_head` and chooses the inputs.

    `loss` is what it is trained on; `objectives.head_loss.HeadLoss` puts it into a training.
    """

    summary: ClassVar[bool] = False

    def summarise(self, hidden: Tensor) -> Tensor:
        """[B, L] values that an evaluation carries, from hidden states [B, L, D]; for `summary = True`."""
        raise NotImplementedError(f"{type(self).__name__} declares summary = True and needs a method summarise(hidden)")

    def loss(self, inputs: LossInputs) -> Tensor | None:
        """The scalar it is trained on; None where the inputs hold nothing to learn from."""
        raise NotImplementedError(f"{type(self).__name__} has no loss of its own; give it a method loss(inputs)")
