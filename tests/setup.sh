#!/bin/sh
# Installs what the repository needs beyond Rust, a C compiler and make, or names what is missing.
#
#   tests/setup.sh build   what compiling needs: pkg-config, OpenSSL and zlib headers
#   tests/setup.sh all     also what the tests need: Java and Maven for Apache Kafka, an
#                          Alertmanager, and Python with the libraries of the oracle in .venv
#
# Only Debian's and Ubuntu's packages, only as root, only what is missing. Says nothing when there
# is nothing to do.
set -eu
cd "$(dirname "$0")/.."

wanted=""
want() { wanted="$wanted $1"; }

# Compiling.
command -v cc >/dev/null 2>&1 || want build-essential
command -v pkg-config >/dev/null 2>&1 || want pkg-config
pkg-config --exists openssl 2>/dev/null || want libssl-dev
pkg-config --exists zlib 2>/dev/null || want zlib1g-dev

if [ "${1:-all}" = all ]; then
    # Java 17 or newer runs the broker; Maven fetches its jars.
    java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${java:-0}" -ge 17 ] || want openjdk-17-jre-headless
    command -v mvn >/dev/null 2>&1 || want maven
    python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || want python3-venv
    command -v prometheus-alertmanager >/dev/null 2>&1 || want prometheus-alertmanager
fi

if [ -n "$wanted" ]; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        # Java was 17 on Debian 12 and is newer later: take what the release has.
        apt-get update -qq
        case "$wanted" in *openjdk-17-jre-headless*)
            if ! apt-cache show openjdk-17-jre-headless >/dev/null 2>&1; then
                wanted=$(printf '%s' "$wanted" | sed 's/openjdk-17-jre-headless/default-jre-headless/')
            fi ;;
        esac
        echo "installing:$wanted"
        # RUNLEVEL: the Alertmanager is for the tests to start, not for the machine.
        # shellcheck disable=SC2086 # a list of words on purpose
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $wanted >/dev/null
    else
        echo "missing:$wanted" >&2
        echo "install them (Debian, Ubuntu: sudo apt-get install$wanted), then run this again" >&2
        exit 1
    fi
fi

[ "${1:-all}" = all ] || exit 0

# The oracle's libraries. The stamp holds the requirements that were installed.
stamp=.venv/requirements.txt
if ! cmp -s tests/oracles/requirements.txt "$stamp"; then
    echo "installing: Python libraries of the oracle, into .venv"
    python3 -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/oracles/requirements.txt
    cp tests/oracles/requirements.txt "$stamp"
fi

# The broker's jars, so that no test waits for a download.
deploy/kafka/kafka.sh install
