"""Count the features of a folder on a Spark cluster: `python count_on_cluster.py FOLDER MASTER`.

A process of its own, so that the tests of this one never see pyspark.
"""

from __future__ import annotations

import sys
from pathlib import Path

from memory_pipeline.rebuild.evidence import update_evidence
from memory_pipeline.settings import Settings
from memory_pipeline.store.frames import FrameStore
from memory_pipeline.store.session import Session


def main() -> None:
    """Count, and print how many attempts were counted."""
    folder, master = Path(sys.argv[1]), sys.argv[2]
    settings = Settings(_env_file=None, home=folder, storage_url=str(folder), spark_master=master)
    evidence = update_evidence(Session(settings, None, FrameStore(str(folder)))).evidence
    sys.stdout.write(f"{int(evidence.n.sum())}\n")


if __name__ == "__main__":
    main()
