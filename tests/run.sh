#!/bin/sh
# Runs every test and check, with a broker for those that want one. Called by `make test`.
# Ends with the summary of each step and its time; the exit code is that of the first failure.
set -eu
cd "$(dirname "$0")/.."

# Everything was asked for: what cannot run is a failure, not a silence.
export DRIFTSEAL_TEST_ALL=1

run=$(mktemp -d)
started=$(date +%s)
# One stop whatever happens, so that no broker is left behind.
finish() {
    deploy/kafka/kafka.sh down --now --delete --dir "$run/kafka" >/dev/null 2>&1 || true
    rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM

step() {
    name=$1
    shift
    before=$(date +%s)
    echo "== $name"
    "$@"
    echo "== $name: done in $(($(date +%s) - before)) s"
}

: "${CARGO:=cargo}"
step format make --no-print-directory fmt
step build "$CARGO" build --locked --workspace --all-targets

kafka=$(deploy/kafka/kafka.sh up --dir "$run/kafka" --port free | sed -n 's/^bootstrap=//p')
[ -n "$kafka" ] || { echo "Apache Kafka did not start" >&2; exit 1; }
export DRIFTSEAL_TEST_KAFKA="$kafka"

# The steps that only compile come last: a failing test is the more interesting news.
step test "$CARGO" test --locked --workspace --no-fail-fast
step lints make --no-print-directory clippy
step documents make --no-print-directory doc
step dependencies tests/deny/run.sh
echo "== all of it: $(($(date +%s) - started)) s"
