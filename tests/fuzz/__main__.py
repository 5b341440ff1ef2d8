"""`make fuzz`: random cases until they or the minutes are used up; failures go to the corpus and make the status 1."""

import argparse
import hashlib
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import torch
from fuzz.targets import CORPUS, TARGETS, case, outcome
from rich.progress import track

LONGEST = 20
"""Seconds after which a case hangs."""


class Hangs(BaseException):
    """A case that does not end."""


def alarm(number: int, frame: object) -> None:
    raise Hangs


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=TARGETS, action="append")
    options = parser.parse_args()
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, alarm)
    chosen = options.target or [name for name, target in TARGETS.items() if target.weight]
    turn = [name for name in chosen for _ in range(max(1, TARGETS[name].weight))]
    until, met, failed = time.monotonic() + 60 * options.minutes, Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        for number in track(range(options.cases), "cases", disable=not sys.stderr.isatty()):
            if time.monotonic() > until:
                break
            target = turn[number % len(turn)]
            data = case(target, number, options.seed)
            signal.alarm(LONGEST)
            try:
                met[target, outcome(target, data, Path(folder))] += 1
            except (Exception, Hangs) as error:
                failed += 1
                kind = "hangs" if isinstance(error, Hangs) else "fails"
                met[target, kind] += 1
                place = CORPUS / target / hashlib.sha256(data).hexdigest()[:12]
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
                traceback.print_exc(limit=-4)
                print(f"{target} {kind}: {place}", file=sys.stderr, flush=True)
            finally:
                signal.alarm(0)
    for target in chosen:
        described = ", ".join(f"{count} {kind}" for (name, kind), count in sorted(met.items()) if name == target)
        print(f"{target}: {described}")
    print(f"{met.total()} cases, {failed} failures")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
