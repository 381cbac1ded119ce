#!/usr/bin/env bash
# Install Java for the tests on Spark, if it is missing and the system has apt.
set -euo pipefail
if command -v java > /dev/null; then
  exit 0
fi
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends openjdk-17-jre-headless
