#!/bin/sh
# What only compiles, or reads what is compiled. `run.sh` runs it beside the tests, at the lowest priority.
set -eu
cd "$(dirname "$0")/.."
. tests/step.sh

# `cargo test` holds the lock of the build directory until it has compiled; begin after that.
sleep 30
step lints make --no-print-directory clippy
step documents make --no-print-directory doc
step dependencies tests/deny/run.sh
