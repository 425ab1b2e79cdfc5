"""An organisation's memory of what worked: evidence, findings, advice and proof."""

__version__ = "0.1.0"
