#!/usr/bin/env bash
# Runs Apache Kafka (KRaft, no ZooKeeper) from its Maven Central jars, for development and tests.
# No container, no installation outside this directory except a JRE and Maven.
#
#   kafka.sh install                       fetch the jars; on Debian and Ubuntu as root also a JRE
#                                          and Maven, elsewhere name what is missing
#   kafka.sh up     [--nodes 1|3] [--port P|free] [--dir RUN] [--users FILE]
#                                          start, wait until it serves, print bootstrap=HOST:PORT,…
#                                          run again on a stopped RUN, it starts the same cluster
#                                          --users: also with SASL/PLAIN for the users of FILE, a
#                                          name and a password on each line, and with an authorizer;
#                                          print sasl=HOST:PORT,… too. `root` may do everything, and
#                                          so may whoever comes without SASL
#   kafka.sh down   [--dir RUN] [--node N] [--now] [--delete]
#                                          stop (--now: kill -9), and with --delete forget the data
#   kafka.sh status [--dir RUN]            say what runs; exit 0 if every node does
#
# RUN is deploy/kafka/run unless given; clusters in different directories do not meet. Ports are
# P, P+1, P+2 (default 9092) for clients, P+10000… between nodes, P+20000… for clients with SASL;
# `free` picks unused ones.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
libs=$here/libs
run=$here/run
nodes=
port=9092
only_node=
now=false
delete=false
users=
seconds_max=90

die() {
  echo "kafka.sh: $*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set -/p' "${BASH_SOURCE[0]}" | sed -n 's/^# \{0,1\}//p' >&2
  exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

# --- install --------------------------------------------------------------------------------------

kafka_version() { sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml"; }

java_is_new_enough() {
  have java || return 1
  local major
  major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 17 ]
}

# The broker, and the tools for its ACLs.
has_jars() {
  [ -f "$libs/kafka_2.13-$(kafka_version).jar" ] && [ -f "$libs/kafka-tools-$(kafka_version).jar" ]
}

is_installed() { java_is_new_enough && has_jars; }

install_packages() {
  local missing=()
  java_is_new_enough || missing+=("a JRE of version 17 or later")
  has_jars || have mvn || missing+=("Maven")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
    local list
    list=$(printf '%s, ' "${missing[@]}")
    die "missing: ${list%, }. On Debian or Ubuntu: apt-get install openjdk-17-jre-headless maven"
  fi
  apt-get update -q >&2
  local packages=() jre
  if ! java_is_new_enough; then
    for jre in openjdk-17-jre-headless openjdk-21-jre-headless default-jre-headless; do
      if [ -n "$(apt-cache policy "$jre" | sed -n 's/ *Candidate: *\([^(]*\)$/\1/p')" ]; then
        packages+=("$jre")
        break
      fi
    done
  fi
  have mvn || packages+=(maven)
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >&2
  java_is_new_enough || die "the installed java is older than 17"
}

install() {
  is_installed && return 0
  # Several tests may ask at once.
  exec 9<"$here/pom.xml"
  if have flock; then flock 9; fi
  if is_installed; then
    exec 9>&-
    return 0
  fi
  install_packages
  if ! has_jars; then
    echo "kafka.sh: fetching Apache Kafka $(kafka_version) from Maven Central" >&2
    local fresh
    fresh=$(mktemp -d "$here/libs.XXXXXX")
    if ! mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
      -DoutputDirectory="$fresh" -DincludeScope=runtime >&2; then
      rm -rf "$fresh"
      die "Maven could not fetch the jars (see above)"
    fi
    chmod 755 "$fresh"
    if [ -f "$libs/kafka_2.13-$(kafka_version).jar" ]; then
      # Nodes may be running from these.
      cp -n "$fresh"/* "$libs"
      rm -rf "$fresh"
    else
      rm -rf "$libs"
      mv "$fresh" "$libs"
    fi
  fi
  exec 9>&-
}

# --- nodes ----------------------------------------------------------------------------------------

setting() { sed -n "s/^$1=//p" "$run/cluster"; }

pid_of() {
  local pid
  pid=$(cat "$run/node-$1.pid" 2>/dev/null) || return 1
  # Not somebody else's process with a number that was used again.
  { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "$run/node-$1.properties" || return 1
  echo "$pid"
}

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local candidate
  while :; do
    candidate=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    is_open "$candidate" || is_open "$((candidate + 10000))" || is_open "$((candidate + 20000))" || break
  done
  echo "$candidate"
}

random_id() {
  local id
  while :; do
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
    case $id in -*) ;; *) break ;; esac
  done
  echo "$id"
}

# Number of brokers that a node knows: Metadata request v4 for no topics; the answer holds size,
# correlation, throttle time and then the count, four bytes each.
brokers_known() {
  local answer
  answer=$(
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 0
    printf '\x00\x00\x00\x18\x00\x03\x00\x04\x00\x00\x00\x01\x00\x09driftseal\x00\x00\x00\x00\x00' >&3
    timeout 2 head -c 16 <&3 | od -An -tu1 | tr '\n' ' '
  ) || true
  # shellcheck disable=SC2086 # the bytes as words
  set -- $answer
  if [ $# -eq 16 ]; then echo "${16}"; else echo 0; fi
}

# Who may log in, and an authorizer that denies what nobody was granted.
write_users() {
  local name password login="org.apache.kafka.common.security.plain.PlainLoginModule required"
  while read -r name password; do login+=" user_$name=\"$password\""; done <"$users"
  cat <<PROPERTIES
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=$login;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS;User:root
PROPERTIES
}

write_properties() {
  local node=$1 file=$run/node-$1.properties copies=$nodes voters=$2
  # One node has nobody to hand over to: a busy machine must not fence it.
  local in_sync=1 session_ms=20000
  if [ "$nodes" -gt 1 ]; then in_sync=2 session_ms=3000; fi
  local client_port=$((port + node - 1)) node_port=$((port + 10000 + node - 1))
  local listeners="PLAINTEXT://127.0.0.1:$client_port,CONTROLLER://127.0.0.1:$node_port" protocols=
  : >"$file"
  if [ -n "$users" ]; then
    listeners+=",SASL://127.0.0.1:$((port + 20000 + node - 1))"
    protocols=,SASL:SASL_PLAINTEXT
    write_users >"$file"
  fi
  cat >>"$file" <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.bootstrap.servers=$voters
listeners=$listeners
advertised.listeners=$listeners
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT$protocols
log.dirs=$run/node-$node
auto.create.topics.enable=false
num.partitions=8
default.replication.factor=$copies
min.insync.replicas=$in_sync
unclean.leader.election.enable=false
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$in_sync
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=3000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
broker.session.timeout.ms=$session_ms
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
num.network.threads=2
num.io.threads=2
log.segment.bytes=134217728
log.retention.hours=-1
log.retention.bytes=-1
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
}

format() {
  mkdir -p "$run"
  if [ "$port" = free ]; then port=$(free_port); fi
  local node voters= controllers= id
  id=$(random_id)
  for node in $(seq "$nodes"); do
    voters+=,127.0.0.1:$((port + 10000 + node - 1))
    controllers+=,$node@127.0.0.1:$((port + 10000 + node - 1)):$(random_id)
  done
  local how=(--standalone)
  if [ "$nodes" -gt 1 ]; then how=(--initial-controllers "${controllers#,}"); fi
  for node in $(seq "$nodes"); do
    write_properties "$node" "${voters#,}"
    java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$libs/*" \
      -Dlog4j2.configurationFile="file:$here/log4j2.properties" \
      kafka.tools.StorageTool format "${how[@]}" -t "$id" -c "$run/node-$node.properties" \
      >"$run/format-$node.log" 2>&1 || die "formatting failed, see $run/format-$node.log"
  done
  printf 'nodes=%s\nport=%s\nusers=%s\n' "$nodes" "$port" "$users" >"$run/cluster"
}

start_node() {
  local node=$1 memory=(-Xms256m -Xmx512m -XX:+UseG1GC -XX:MaxGCPauseMillis=20)
  if [ "$nodes" -gt 1 ]; then
    memory=(-Xmx320m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:CICompilerCount=1)
  fi
  nohup java "${memory[@]}" -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true \
    -Dlog4j2.configurationFile="file:$here/log4j2.properties" -cp "$libs/*" \
    kafka.Kafka "$run/node-$node.properties" >>"$run/node-$node.log" 2>&1 </dev/null &
  echo $! >"$run/node-$node.pid"
}

bootstrap() {
  local list= sasl= node
  for node in $(seq "$nodes"); do
    list+=,127.0.0.1:$((port + node - 1))
    sasl+=,127.0.0.1:$((port + 20000 + node - 1))
  done
  echo "bootstrap=${list#,}"
  if [ -n "$(setting users)" ]; then echo "sasl=${sasl#,}"; fi
}

# 0 when every node knows every broker, 1 when a node died, 2 when time ran out.
await() {
  local node deadline=$((SECONDS + seconds_max))
  while [ "$SECONDS" -lt "$deadline" ]; do
    local ready=0
    for node in $(seq "$nodes"); do
      pid_of "$node" >/dev/null || return 1
      [ "$(brokers_known "$((port + node - 1))")" -lt "$nodes" ] || ready=$((ready + 1))
    done
    [ "$ready" -lt "$nodes" ] || return 0
    sleep 0.1
  done
  return 2
}

# --- verbs ----------------------------------------------------------------------------------------

up() {
  install
  local asked=$port attempt node
  for attempt in 1 2 3 4 5; do
    if [ -f "$run/cluster" ]; then
      nodes=$(setting nodes)
      port=$(setting port)
    else
      nodes=${nodes:-1}
      port=$asked
      format
    fi
    for node in $(seq "$nodes"); do
      pid_of "$node" >/dev/null || start_node "$node"
    done
    local outcome=0
    await || outcome=$?
    if [ "$outcome" -eq 0 ]; then
      bootstrap
      return 0
    fi
    if [ "$asked" = free ] && grep -qsE 'Address already in use|BindException' "$run"/node-*.log; then
      # Somebody took the port between the look and the start.
      now=true
      stop
      rm -rf "${run:?}"/node-* "$run/cluster"
      continue
    fi
    tail -n 15 "$run"/node-*.log >&2
    now=true
    stop
    if [ "$outcome" -eq 2 ]; then die "no answer within $seconds_max s, see $run/node-*.log"; fi
    die "a node ended, see $run/node-*.log"
  done
  die "found no free ports"
}

stop() {
  local node pid pids=()
  for node in $(seq "$nodes"); do
    if [ -n "$only_node" ] && [ "$only_node" != "$node" ]; then continue; fi
    if pid=$(pid_of "$node"); then
      pids+=("$pid")
      if $now; then kill -9 "$pid"; else kill "$pid"; fi
    fi
  done
  local deadline=$((SECONDS + 20))
  for pid in ${pids[@]+"${pids[@]}"}; do
    while kill -0 "$pid" 2>/dev/null; do
      if [ "$SECONDS" -ge "$deadline" ]; then
        kill -9 "$pid" 2>/dev/null || true
        deadline=$((SECONDS + 20))
      fi
      # A killed child of this very shell stays until it is waited for.
      wait "$pid" 2>/dev/null || true
      sleep 0.05
    done
  done
}

down() {
  if [ -f "$run/cluster" ]; then
    nodes=$(setting nodes)
    stop
  fi
  # Only what a cluster leaves behind, never a directory that was named by mistake.
  if $delete && [ -f "$run/cluster" ]; then
    rm -rf "${run:?}"/node-* "${run:?}"/format-*.log "$run/cluster"
    rmdir "$run" 2>/dev/null || true
  fi
}

status() {
  if ! [ -f "$run/cluster" ]; then
    echo "no cluster in $run"
    return 1
  fi
  nodes=$(setting nodes)
  port=$(setting port)
  local node pid missing=0
  for node in $(seq "$nodes"); do
    if pid=$(pid_of "$node"); then
      echo "node $node: runs as process $pid, knows $(brokers_known "$((port + node - 1))") brokers"
    else
      echo "node $node: stopped"
      missing=1
    fi
  done
  bootstrap
  return "$missing"
}

[ $# -ge 1 ] || usage
verb=$1
shift
while [ $# -gt 0 ]; do
  case $1 in
    --nodes) nodes=${2:?} && shift 2 ;;
    --port) port=${2:?} && shift 2 ;;
    --dir) run=${2:?} && shift 2 ;;
    --node) only_node=${2:?} && shift 2 ;;
    --users) users=${2:?} && shift 2 ;;
    --now) now=true && shift ;;
    --delete) delete=true && shift ;;
    *) usage ;;
  esac
done
case $nodes in '' | 1 | 3) ;; *) die "--nodes is 1 or 3" ;; esac
case $run in /*) ;; *) run=$PWD/$run ;; esac

case $verb in
  install | up | down | status) "$verb" ;;
  *) usage ;;
esac
