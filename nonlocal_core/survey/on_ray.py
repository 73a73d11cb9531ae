"""Engine on Ray: the same worker as an actor, on all available nodes.

Clips are decoded where they are run, so that only rows are sent: Ray's store never holds a frame.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from nonlocal_core.errors import NonlocalError, SurveyError
from nonlocal_core.survey.local import DEPTH, ONE_THREAD
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.pool import Done, Gone, Pool, Ready


@dataclass(frozen=True, slots=True, kw_only=True)
class RayEngine:
    """Actors of a Ray cluster, on its GPUs if it has any.

    ``address``: the cluster's, "auto" for the one that this machine belongs to, or None for one that is started here
    and ends with the survey. ``workers``: the number of actors, or None for one on each GPU, or else on each core, that
    the cluster has when the survey begins.
    """

    address: str | None = None
    workers: int | None = None

    @contextmanager
    def start(self, plan: Plan) -> Iterator[Pool]:
        """Join the cluster and start actors; after the ``with``, end both. Raises SurveyError."""
        ray = _ray()
        is_ours = not ray.is_initialized()
        if is_ours:
            _join(ray, self.address)
        try:
            pool = _Actors(ray, plan, self.workers)
            try:
                yield pool
            finally:
                pool.close()
        finally:
            if is_ours:
                ray.shutdown()


def _ray() -> Any:
    try:
        return import_module("ray")
    except ImportError as fault:
        raise SurveyError(
            "This engine needs ray, which this environment does not have. "
            "Install it: pip install 'nonlocal-viewer[survey]'; or take --engine local."
        ) from fault


def _join(ray: Any, address: str | None) -> None:
    settings = {"include_dashboard": False} if address is None else {}
    try:
        ray.init(address=address or "local", log_to_driver=False, configure_logging=False, **settings)
    except (ConnectionError, ValueError, RuntimeError) as fault:
        raise SurveyError(
            f"There is no Ray cluster at {address!r}: {fault}. Start one, or leave the address out."
        ) from fault


class _RayWorker:
    """Actor that holds a worker; its module is imported on the actor's node."""

    def __init__(self, plan: str) -> None:
        from nonlocal_core.survey.worker import Worker

        self._worker = Worker(Plan.from_json(plan))

    def is_ready(self) -> bytes:
        """Return no rows once the networks are ready."""
        return b""

    def measure(self, place: int, clip: str) -> bytes:
        """Return the rows of a clip."""
        return self._worker.measure(Job(place, clip))


class _Actors:
    """Actors, and the jobs of each."""

    depth = DEPTH

    def __init__(self, ray: Any, plan: Plan, workers: int | None) -> None:
        has = ray.cluster_resources()
        gpus = int(has.get("GPU", 0))
        self._ray, self._plan = ray, plan.as_json()
        self._actor = ray.remote(
            num_cpus=1,
            num_gpus=1 if gpus else 0,
            max_restarts=0,
            max_concurrency=DEPTH,
            runtime_env={"env_vars": ONE_THREAD},
        )(_RayWorker)
        self._actors: dict[int, Any] = {}
        self._asked: dict[Any, tuple[int, int | None]] = {}
        self._events: deque[Ready | Done | Gone] = deque()
        self._started = 0
        for _ in range(workers or gpus or max(int(has.get("CPU", 1)), 1)):
            self._start()

    def _start(self) -> None:
        worker, self._started = self._started, self._started + 1
        self._actors[worker] = self._actor.remote(self._plan)
        self._asked[self._actors[worker].is_ready.remote()] = worker, None

    def give(self, worker: int, job: Job) -> None:
        """Send the job to the actor."""
        self._asked[self._actors[worker].measure.remote(job.place, job.clip)] = worker, job.place

    def wait(self) -> Ready | Done | Gone:
        """Return the next event."""
        while not self._events:
            (answered, *_), _ = self._ray.wait(list(self._asked), num_returns=1)
            self._take(answered)
        return self._events.popleft()

    def _take(self, answered: Any) -> None:
        """Return the event of an answer; for an actor that is gone, first those of its earlier answers."""
        worker, place = self._asked.pop(answered)
        try:
            self._events.append(self._event(worker, place, self._ray.get(answered)))
            return
        except self._ray.exceptions.RayTaskError as fault:
            refusal = fault.cause
            why = f"the actor failed: {refusal}"
        except self._ray.exceptions.RayError as fault:
            refusal, why = fault, f"the actor ended: {str(fault).splitlines()[0]}"
        if place is None and isinstance(cause := _root(refusal), NonlocalError):
            raise SurveyError(str(cause))
        others = [ref for ref, (of, _) in self._asked.items() if of == worker]
        if others:
            for ref in self._ray.wait(others, num_returns=len(others), timeout=0)[0]:
                try:
                    content = self._ray.get(ref)
                except self._ray.exceptions.RayError:
                    continue
                self._events.append(self._event(worker, self._asked[ref][1], content))
        for ref in others:
            del self._asked[ref]
        self._ray.kill(self._actors.pop(worker))
        self._events.append(Gone(worker, why))

    def _event(self, worker: int, place: int | None, content: bytes) -> Ready | Done:
        return Ready(worker) if place is None else Done(worker, place, content)

    def replace(self, worker: int) -> None:
        """Start another actor; if the cluster has no room for it, it waits, and the others go on."""
        self._start()

    def close(self) -> None:
        """End all actors."""
        for actor in self._actors.values():
            self._ray.kill(actor)


def _root(fault: BaseException | None) -> BaseException | None:
    """Return the error behind an error of Ray: one raised in making an actor is its cause."""
    while fault is not None and not isinstance(fault, NonlocalError):
        fault = getattr(fault, "cause", None) or fault.__cause__
    return fault
