"""Process of a local worker: it reads jobs as lines of JSON and writes rows as Arrow, until its input ends."""

import json
import os
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from nonlocal_core.errors import NonlocalError
from nonlocal_core.survey.plan import Job, Plan


def main(asked: IO[bytes], told: IO[bytes], plan: Plan) -> None:
    """Make the worker, report that it is ready, and measure clips until there are no more lines."""
    telling = threading.Lock()

    def say(content: bytes = b"", **head: object) -> None:
        with telling:
            told.write(json.dumps({**head, "size": len(content)}).encode() + b"\n" + content)
            told.flush()

    try:
        from nonlocal_core.survey.worker import DEPTH, Worker

        worker = Worker(plan)
    except NonlocalError as refusal:
        say(refused=str(refusal))
        return
    say(ready=True)

    def measure(job: Job) -> None:
        try:
            say(worker.measure(job), place=job.place)
        except BaseException:  # a fault of ours, or nobody reads any more: whoever started it gives the job again
            traceback.print_exc()
            os._exit(1)

    threads = ThreadPoolExecutor(DEPTH)
    for line in asked:
        threads.submit(measure, Job(**json.loads(line)))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints shall not stand among the answers
    main(sys.stdin.buffer, answers, Plan.from_json(sys.argv[1]))
    os._exit(0)  # whoever started it is gone, and what still runs is of no use to anybody
