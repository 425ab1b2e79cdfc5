"""Names of the learning measures; apart from the rest, since commands list them without any library."""

SUCCESS_RATE = "success_rate"
PRIOR_KNOWLEDGE = "prior_knowledge"
ADVICE_GAIN = "advice_gain"
ADVICE_COVERAGE = "advice_coverage"
FINDING_REPLICATION = "finding_replication"
CONFIDENCE_CALIBRATION = "confidence_calibration"
DRIFT = "drift"
DRIFT_CHANGE = "drift_change"
REPLAYED_UPLIFT = "replayed_uplift"
MEASURES = (
    SUCCESS_RATE,
    PRIOR_KNOWLEDGE,
    ADVICE_GAIN,
    ADVICE_COVERAGE,
    FINDING_REPLICATION,
    CONFIDENCE_CALIBRATION,
    DRIFT,
    DRIFT_CHANGE,
    REPLAYED_UPLIFT,
)
"""All measures, in the order in which they are told."""
