"""Which derivations are right: every number used once, arithmetic right, the target at the end."""

import torch
from torch import Tensor


def is_derivation(equations: Tensor, numbers: Tensor, targets: Tensor, largest: int) -> Tensor:
    """bool [R]: equations [R, n − 1, 4] (a, sign, b, c) derive targets [R] from numbers [R, n].

    Each a and b is a number or an earlier c that no equation has used, a ∘ b = c for the sign 0 to 3 (+ − × ÷), and
    c is a whole number from 0 to ``largest``. Any order of a and b is right. The equations may hold anything.
    """
    pool, free = numbers.to(equations), torch.ones_like(numbers, dtype=torch.bool, device=equations.device)
    right = torch.ones(len(equations), dtype=torch.bool, device=equations.device)
    for a, sign, b, c in (line.unbind(1) for line in equations.unbind(1)):
        for operand in (a, b):
            place, found = _first(pool, free, operand)
            free = free & ~place
            right = right & found
        right = right & holds(a, sign, b, c) & (c >= 0) & (c <= largest)
        pool, free = torch.cat([pool, c[:, None]], 1), torch.cat([free, torch.ones_like(free[:, :1])], 1)
    return right & (equations[:, -1, 3] == targets.to(equations))


def holds(a: Tensor, sign: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """bool [R]: a ∘ b = c; a quotient is exact, and nothing is divided by zero."""
    quotient = (b != 0) & (b * c == a)
    cases = torch.stack([a + b == c, a - b == c, a * b == c, quotient], 1)
    known = (sign >= 0) & (sign < 4)
    return known & cases.gather(1, sign.clamp(0, 3)[:, None])[:, 0]


def _first(pool: Tensor, free: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """The first free place of a value [R] in a pool [R, P], as a mask [R, P], and whether there is one."""
    match = free & (pool == value[:, None])
    return match & (match.cumsum(1) == 1), match.any(1)
