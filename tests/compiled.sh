#!/bin/sh
# What only compiles, or reads what is compiled. `run.sh` runs it beside the tests, at the lowest priority.
set -eu
cd "$(dirname "$0")/.."
. tests/step.sh

# The tests begin with what they are compiled to; for that one cargo waits for the other.
sleep 30
step lints make --no-print-directory clippy
step documents make --no-print-directory doc
step dependencies tests/deny/run.sh
