"""Random changes of a seed."""

import random

WORDS = [
    *(
        b"0",
        b"-1",
        b"1e999",
        b"NaN",
        b"Infinity",
        b"null",
        b"true",
        b"9" * 30,
        b"9" * 5000,
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
    ),
    *(b"../", b"/etc/passwd", b"_target_", b"_args_", b"_partial_", b"_recursive_", b"os.system", b"builtins.eval"),
    *(b"${", b"}", b"${oc.env:HOME}", b"${a}", b"???", b"[" * 200, b"{" * 200, b"(", b'"', b"'", b"\\", b"\n", b"\r"),
    *(
        b",",
        b":",
        b"=",
        b"+",
        b"~",
        b"@",
        b"!!python/name:os.system",
        b"&a",
        b"*a",
        b"<script>",
        b"range(0,1000000000)",
    ),
]


def mutated(seed: bytes, draw: random.Random) -> bytes:
    """A few random changes of a seed: bytes flipped, cut, doubled, or a word put in."""
    data = bytearray(seed)
    for _ in range(draw.choice((0, 1, 1, 2, 3, 8))):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice((1, 2, 8, 64)))
        change = draw.randrange(5)
        if change == 0:
            data[at:end] = draw.randbytes(end - at)
        elif change == 1:
            del data[at:end]
        elif change == 2:
            data[at:at] = data[at:end] * draw.choice((1, 2, 50))
        else:
            data[at : at if change == 3 else end] = draw.choice(WORDS)
    return bytes(data)
