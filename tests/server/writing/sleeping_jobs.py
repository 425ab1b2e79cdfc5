"""Jobs whose processes sleep instead of working, so that a page can follow and cancel them."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

from memory_pipeline.server import jobs as running

_SLEEPER = """
import sys, time
from memory_pipeline.server import job_process
def sleeper(memory, arguments, note):
    note({"step": "fall_asleep", "state": "started", "number": 1, "total": 4, "ended": []})
    time.sleep(300)
    return {}
job_process.WORK.update(rebuild=sleeper, discover=sleeper)
job_process.main(sys.argv[-1:])
"""


def jobs_that_sleep(monkeypatch):
    """Yield the processes of jobs, which sleep from now on; they are stopped afterwards."""
    processes = []

    def start(command, **options):
        processes.append(subprocess.Popen([command[0], "-c", _SLEEPER, command[-1]], **options))
        return processes[-1]

    # Only as the module that starts jobs sees it: what else the server loads meanwhile needs the true class.
    monkeypatch.setattr(running, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": start}))
    yield processes
    for process in processes:
        process.kill()
        process.wait()
