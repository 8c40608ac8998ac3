#!/bin/sh
# Runs every test and check, with a broker for those that want one. Called by `make test`.
# Ends with the summary of each step and its time; the exit code is that of the first failure.
set -eu
cd "$(dirname "$0")/.."
. tests/step.sh

# Everything was asked for: what cannot run is a failure, not a silence.
export DRIFTSEAL_TEST_ALL=1

run=$(mktemp -d)
started=$(date +%s)
# One stop whatever happens, so that no broker is left behind.
beside=
finish() {
    [ -z "$beside" ] || kill -- "-$beside" 2>/dev/null || true
    deploy/kafka/kafka.sh down --now --delete --dir "$run/kafka" >/dev/null 2>&1 || true
    rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM

step format make --no-print-directory fmt
step build "$CARGO" build --locked --workspace --all-targets

kafka=$(deploy/kafka/kafka.sh up --dir "$run/kafka" --port free | sed -n 's/^bootstrap=//p')
[ -n "$kafka" ] || { echo "Apache Kafka did not start" >&2; exit 1; }
export DRIFTSEAL_TEST_KAFKA="$kafka"

# Half of the tests wait for a broker, so what only compiles runs beside them. What it says comes last: a
# failing test is the more interesting news. It is a group of processes of its own, which one stop ends.
setsid nice -n 19 tests/compiled.sh >"$run/beside" 2>&1 &
beside=$!
tested=0
step test "$CARGO" test --locked --workspace --no-fail-fast || tested=$?
compiled=0
wait "$beside" || compiled=$?
cat "$run/beside"
[ "$tested" = 0 ] || exit "$tested"
[ "$compiled" = 0 ] || exit "$compiled"
echo "== all of it: $(($(date +%s) - started)) s"
