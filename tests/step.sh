# Sourced by what runs steps.

: "${CARGO:=cargo}"

# step NAME COMMAND...: runs it, and says what it is, how long it took, and whether it failed.
step() {
    name=$1
    shift
    before=$(date +%s)
    echo "== $name"
    "$@" || { code=$?; echo "== $name: FAILED in $(($(date +%s) - before)) s"; return "$code"; }
    echo "== $name: done in $(($(date +%s) - before)) s"
}
