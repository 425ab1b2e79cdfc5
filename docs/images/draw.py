"""Draw the README's picture from the memory of `MEMORY_HOME`, which `make demo` fills."""

from __future__ import annotations

from pathlib import Path

from memory_pipeline.charts import factor_effects, to_png
from memory_pipeline.memory import Memory

PICTURE = Path(__file__).with_name("factors.png")
MOST_FACTORS = 8

if __name__ == "__main__":
    with Memory.open() as memory:
        PICTURE.write_bytes(to_png(factor_effects(memory.factors(), limit=MOST_FACTORS)))
