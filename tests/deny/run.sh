#!/bin/sh
# Checks every dependency by deny.toml with cargo-deny.
#
#   tests/deny/run.sh              licences, duplicate versions and sources: no network once the crates
#                                  are there. `make deny`, and a step of `make test`
#   tests/deny/run.sh advisories   known vulnerabilities and yanked versions, by the RustSec database,
#                                  which is fetched from its Git repository; fails if it cannot be.
#                                  `make advisories`; not part of `make test`, which needs package
#                                  registries and nothing else from outside
set -eu
cd "$(dirname "$0")/../.."

deny=.venv-deny/bin/cargo-deny
[ -x "$deny" ] || deny=.cache/cargo-deny/bin/cargo-deny
config=tests/deny/deny.toml

"${CARGO:-cargo}" fetch --quiet --locked
case "${1:-}" in
'')
    "$deny" --config "$config" --locked --offline check --hide-inclusion-graph licenses bans sources
    echo "== advisories: not asked for here; \`make advisories\` asks" ;;
advisories)
    if ! "$deny" --config "$config" --locked fetch db; then
        echo "== advisories: NOT RUN, their database cannot be fetched" >&2
        exit 1
    fi
    "$deny" --config "$config" --locked check --disable-fetch --hide-inclusion-graph advisories ;;
*)
    echo "usage: $0 [advisories]" >&2
    exit 2 ;;
esac
