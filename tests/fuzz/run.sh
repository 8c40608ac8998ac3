#!/bin/sh
# Coverage-guided fuzzing with libFuzzer. Called by `make fuzz` and `make fuzz-keep`.
#
#   tests/fuzz/run.sh [TARGET…]             runs all targets, or those named
#   tests/fuzz/run.sh keep [TARGET…]        adds to the committed corpus what the runs found and what
#                                           reaches code that the corpus does not: as few inputs as do
#   tests/fuzz/run.sh repeat TARGET FILE…   runs inputs again
#
#   DRIFTSEAL_FUZZ_SECONDS   of each target, without start and corpus; else 60
#   DRIFTSEAL_FUZZ_JOBS      targets at the same time; else one for each processor
#
# What a run finds stays in target/fuzz/<target>/found and is where the next run begins.
set -eu
cd "$(dirname "$0")/../.."

: "${CARGO:=cargo}" "${DRIFTSEAL_FUZZ_SECONDS:=60}" "${DRIFTSEAL_FUZZ_JOBS:=$(nproc)}"
export DRIFTSEAL_FUZZ_SECONDS
target_directory=${CARGO_TARGET_DIR:-target}
engine=$target_directory/debug/fuzz-engine

# One input may take this long and no more; that much memory, all of the target's together.
limits="-timeout=20 -rss_limit_mb=3072"

places() {
    found=$target_directory/fuzz/$1/found
    made=$target_directory/fuzz/$1/made
    corpus=tests/fuzz/corpus/$1
    log=$target_directory/fuzz/$1/log
    mkdir -p "$found" "$made" "$corpus"
}

# One target: a line of what it did, or what is to be known about the input that failed.
run_one() {
    places "$1"
    rm -f "$target_directory/fuzz/$1"/crash-* "$target_directory/fuzz/$1"/oom-* \
        "$target_directory/fuzz/$1"/timeout-* "$made"/*
    # shellcheck disable=SC2086 # two words on purpose
    if DRIFTSEAL_FUZZ_TARGET=$1 DRIFTSEAL_FUZZ_MADE=$made "$engine" $limits \
        -max_total_time="$DRIFTSEAL_FUZZ_SECONDS" -artifact_prefix="$target_directory/fuzz/$1/" \
        -reduce_inputs=1 -print_final_stats=1 "$found" "$corpus" "$made" >"$log" 2>&1; then
        of() { sed -n "s/^#[0-9]*[[:space:]]*$1 .*cov: \([0-9]*\).*/\1/p" "$log" | tail -n 1; }
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        added=$(sed -n 's/^stat::new_units_added: *//p' "$log")
        echo "ok      $1: $runs inputs, $(of DONE) edges reached ($(of INITED) by the corpus), $added inputs found"
    else
        grep -v '^#[0-9]' "$log" | tail -n 40
        for input in "$target_directory/fuzz/$1"/crash-* "$target_directory/fuzz/$1"/oom-* \
            "$target_directory/fuzz/$1"/timeout-*; do
            [ ! -e "$input" ] || echo "FAILED  $1: repeat with: tests/fuzz/run.sh repeat $1 $input"
        done
        echo "FAILED  $1: see $log; once mended, the input belongs into $corpus"
        rmdir "$corpus" 2>/dev/null || true
        return 1
    fi
    rmdir "$corpus" 2>/dev/null || true
}

keep_one() {
    places "$1"
    kept=$target_directory/fuzz/$1/kept
    rm -rf "$kept"
    mkdir "$kept"
    cp "$corpus"/* "$made"/* "$kept" 2>/dev/null || true
    ls "$kept" >"$kept.before"
    DRIFTSEAL_FUZZ_TARGET=$1 "$engine" -merge=1 "$kept" "$found" >"$log" 2>&1
    ls "$kept" | grep -vxFf "$kept.before" | while read -r name; do
        cp "$kept/$name" "$corpus/"
    done
    echo "$1: $(ls "$corpus" | wc -l) inputs in the corpus"
    rmdir "$corpus" 2>/dev/null || true
}

case "${1:-}" in
one)
    run_one "$2"
    exit ;;
keep)
    verb=keep
    shift ;;
repeat) verb=repeat ;;
*) verb=run ;;
esac

echo "building the targets with coverage counters"
RUSTC_WORKSPACE_WRAPPER=$PWD/tests/fuzz/rustc.sh "$CARGO" build --locked --workspace --bin fuzz-engine \
    --features fuzz/engine

if [ "$verb" = repeat ]; then
    export DRIFTSEAL_FUZZ_TARGET="$2"
    shift 2
    # shellcheck disable=SC2086 # two words on purpose
    exec "$engine" $limits "$@"
fi

# A target is a file.
all=$(ls tests/fuzz/src/target | sed 's/\.rs$//')
wanted=${*:-$all}
for name in $wanted; do
    [ -e "tests/fuzz/src/target/$name.rs" ] || { echo "no target $name; they are:" $all >&2; exit 2; }
done

if [ "$verb" = keep ]; then
    for name in $wanted; do keep_one "$name"; done
    git --no-pager diff --stat -- tests/fuzz/corpus
    exit
fi

number=$(echo "$wanted" | wc -w)
echo "$number targets, $DRIFTSEAL_FUZZ_SECONDS s each, $DRIFTSEAL_FUZZ_JOBS at a time: about $(((number + DRIFTSEAL_FUZZ_JOBS - 1) / DRIFTSEAL_FUZZ_JOBS * (DRIFTSEAL_FUZZ_SECONDS + 2) / 60 + 1)) min"
printf '%s\n' $wanted | xargs -P "$DRIFTSEAL_FUZZ_JOBS" -I NAME "$0" one NAME
