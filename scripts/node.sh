#!/usr/bin/env bash
# Install Node.js with npm for the tests against other engines, if it is missing and the system has apt.
set -euo pipefail
if command -v npm > /dev/null; then
  exit 0
fi
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends nodejs npm
