#!/bin/sh
# Reads each secret that is a file named like its setting (/run/secrets/MEMORY_DATABASE_URL), then runs the command.
set -eu
for secret in "${SECRETS_FOLDER:-/run/secrets}"/MEMORY_* "${SECRETS_FOLDER:-/run/secrets}"/ANTHROPIC_API_KEY; do
  [ -f "$secret" ] || continue
  value=$(cat "$secret")
  export "$(basename "$secret")=$value"
done
exec memory-pipeline "$@"
