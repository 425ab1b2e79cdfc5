"""A standalone Spark cluster on loopback, of real processes, for tests and benchmarks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 60


def spark_packages() -> Path | None:
    """Return the folder that has pyspark: `.spark-packages`, or where Python finds it; None where nowhere."""
    own = Path(__file__).parents[1] / ".spark-packages"
    if (own / "pyspark").is_dir():
        return own
    found = find_spec("pyspark")
    return None if found is None or found.origin is None else Path(found.origin).parents[1]


class Cluster:
    """A master with workers of one core each; `url` is what Spark applications connect to."""

    def __init__(self, folder: Path, workers: int) -> None:
        packages = spark_packages()
        assert packages is not None
        self._home = packages / "pyspark"
        self._folder = folder
        # Workers have to find the project, and pyspark, where this process does.
        self.environment = os.environ | {
            "SPARK_HOME": str(self._home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": os.pathsep.join([*(path for path in sys.path if path), str(packages)]),
        }
        port = _free_port()
        self.url = f"spark://127.0.0.1:{port}"
        self._master = self._start("master.Master", "--port", str(port), "--webui-port", "0", log="master")
        self.workers = [
            self._start(
                "worker.Worker", "--webui-port", "0", "-c", "1", "-m", "1g", "-d", str(folder / f"work{i}"),
                self.url, log=f"worker{i}",
            )
            for i in range(workers)
        ]  # fmt: skip
        self._wait(workers)

    def _start(self, name: str, *arguments: str, log: str) -> subprocess.Popen[bytes]:
        command = [self._home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}"]
        with (self._folder / f"{log}.log").open("wb") as file:
            return subprocess.Popen(
                [*command, "--host", "127.0.0.1", *arguments],
                env=self.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait(self, workers: int) -> None:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            said = (self._folder / "master.log").read_text()
            if said.count("Registering worker") >= workers:
                return
            time.sleep(0.2)
        raise TimeoutError(f"the cluster did not start in {_SECONDS} s:\n{said[-2000:]}")

    @property
    def processes(self) -> list[psutil.Process]:
        """The processes of the master and the workers; those of executors are below them."""
        return [psutil.Process(one.pid) for one in (self._master, *self.workers)]

    def kill_worker(self, number: int) -> None:
        """Kill a worker and its executors at once, as when a machine is lost."""
        os.killpg(self.workers[number].pid, 9)

    def stop(self) -> None:
        """Stop every process."""
        for process in (*self.workers, self._master):
            if process.poll() is None:
                os.killpg(process.pid, 9)
            process.wait()


@contextmanager
def spark_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a cluster, and stop it afterwards."""
    cluster = Cluster(folder, workers)
    try:
        yield cluster
    finally:
        cluster.stop()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
