"""Ray as an engine: one machine, or a cluster that is already up (extra `ray`)."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adaptive_diffusion.runs.engine import Work, init_worker

OBJECT_STORE = 200_000_000
"""Bytes: pieces and results are small, so Ray's third of the machine's memory would be idle."""


@dataclass(frozen=True)
class Ray:
    """`workers` actors of one processor each, on this machine or on the cluster at `address`.

    Cells of a sweep write to their folder, so the machines of a cluster must share it.

    Raises:
        ModuleNotFoundError: without the extra.
        OSError: where Ray does not start, or an actor died.
    """

    workers: int = 1
    address: str | None = None

    def each(self, work: Work, pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if not pieces:
            return
        ray = _ray()
        self._start(ray)
        try:
            actor = ray.remote(num_cpus=1)(_Worker)
            actors = [actor.remote(sys.path, work) for _ in range(min(self.workers, len(pieces)))]
            done = ray.util.ActorPool(actors).map_unordered(lambda one, piece: one.do.remote(*piece), enumerate(pieces))
            yield from done
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayActorError as error:
            raise OSError(f"a worker of Ray died: {error}") from error
        finally:
            ray.shutdown()

    def _start(self, ray: Any) -> None:
        here: dict[str, Any] = {"num_cpus": self.workers, "object_store_memory": OBJECT_STORE}
        try:
            ray.init(
                address=self.address or "local",
                include_dashboard=None if self.address else False,
                log_to_driver=False,
                logging_level="error",
                **({} if self.address else here),
            )
        except Exception as error:  # Ray raises no narrower one where its processes do not come up in time
            raise OSError(
                f"Ray did not start: {error} Start again when the machine is less busy, or leave out --engine ray."
            ) from error


class _Worker:
    """Keeps the work, and with it whatever the work has opened, from piece to piece.

    It imports from where the caller does, as processes of this machine do: modules that a user allows may lie anywhere.
    """

    def __init__(self, paths: Sequence[str], work: Work):
        sys.path.extend(path for path in paths if path not in sys.path)
        init_worker()
        self.work = work

    def do(self, number: int, piece: Any) -> tuple[int, Any]:
        return number, self.work(piece)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.util  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the engine 'ray' needs an extra: pip install 'adaptive-diffusion[ray]'", name=error.name
        ) from error
    return ray
