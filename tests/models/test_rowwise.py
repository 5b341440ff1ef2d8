"""Row-wise maps see whole groups of rows and hand back the rows they were given."""

import pytest
import torch

from adaptive_diffusion.models.rowwise import ROWS, rowwise


@pytest.mark.parametrize("shape", [(1,), (31,), (32,), (33,), (4, 8), (3, 5), (2, 3, 7)])
def test_rows_of_any_shape_are_mapped_in_full_groups(shape):
    seen = []

    def double(rows):
        seen.append(rows.shape[:-1].numel())
        return torch.cat([rows, rows * 2], dim=-1)

    x = torch.randn(*shape, 4)
    assert torch.equal(rowwise(double, x), torch.cat([x, x * 2], dim=-1))
    assert seen[0] % ROWS == 0


def test_gradients_reach_the_rows_and_nothing_else():
    layer = torch.nn.Linear(4, 2)
    x = torch.randn(5, 4, requires_grad=True)
    inputs = (x, *layer.parameters())
    for padded, plain in zip(
        torch.autograd.grad(rowwise(layer, x).square().sum(), inputs),
        torch.autograd.grad(layer(x).square().sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(padded, plain)
