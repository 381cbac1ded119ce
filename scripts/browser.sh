#!/usr/bin/env bash
# Install Chromium for the tests of the HTML report, if it is missing and the system has apt.
set -euo pipefail
if command -v chromium > /dev/null || command -v chromium-browser > /dev/null; then
  exit 0
fi
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends chromium fonts-dejavu-core
