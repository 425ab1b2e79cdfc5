"""Lint and render the chart with given values, and check what comes out, in the environment of the checks.

Reads a JSON list of values from stdin, writes a JSON list of `{"lint", "manifests", "refused"}` to stdout.
"""

import json
import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "memory-pipeline"
KUBERNETES = ("1.30", "1.34")


def manifests_of(chart, values):
    rendered = chart.render(values, name="demo", namespace="prod")
    texts = (text for name, text in sorted(rendered.items()) if not name.endswith(".txt"))
    return [one for text in texts for one in yaml.safe_load_all(text) if one is not None]


def check(chart, values):
    try:
        manifests = manifests_of(chart, values)
        for one in manifests:
            for version in KUBERNETES:
                kubernetes_validate.validate(one, version, strict=True)
    except (helm.HelmError, kubernetes_validate.ValidationError) as error:
        return {"lint": [], "manifests": [], "refused": str(error)}
    found = helm.lint(str(CHART), values, strict=True)
    lint = [one["error"] for one in found["messages"] if one["severity"] > 1] + found["errors"]
    return {"lint": lint, "manifests": manifests, "refused": None}


with helm.Chart.load(str(CHART)) as loaded:
    json.dump([check(loaded, values) for values in json.load(sys.stdin)], sys.stdout)
