"""Entry point of `python -m memory_pipeline.hook`."""

import sys

from memory_pipeline.hook.run import main

main(sys.argv[1:])
