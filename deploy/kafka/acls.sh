#!/usr/bin/env bash
# Grants each role of Driftseal what it needs on the topics of an installation, and nothing else, by
# Kafka's own kafka-acls.sh. What nobody is granted is denied if the brokers have an authorizer with
# allow.everyone.if.no.acl.found=false.
#
#   acls.sh [--print] [--prefix PREFIX] [--events TOPIC]... ROLE=PRINCIPAL... [-- OPTION...]
#
#   --print     print the commands instead of running them
#   --prefix    prefix of the topics and groups (topics.prefix); default none
#   --events    a topic of events; default agent.events
#   ROLE        agent, collector, processor, sealer, notifier, evidence, admin; each may be given
#               several times, and several roles may have one principal, as in `driftseal up`
#   OPTION      for kafka-acls.sh, such as --bootstrap-server HOST:PORT --command-config FILE
#
# KAFKA_ACLS names the tool if it is not on the path.
#
# Only evidence, which runs the gateway, may write to the governance topic. Acts are signed as well, and
# what is not is counted and ignored: the ACL keeps others from filling the topic.
set -euo pipefail

prefix=
print=false
events=()
grants=()
options=()

die() {
  echo "acls.sh: $*" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --print) print=true; shift ;;
    --prefix) [ $# -ge 2 ] || die "--prefix needs a value"; prefix=$2; shift 2 ;;
    --events) [ $# -ge 2 ] || die "--events needs a value"; events+=("$2"); shift 2 ;;
    --) shift; options=("$@"); break ;;
    agent=?*|collector=?*|processor=?*|sealer=?*|notifier=?*|evidence=?*|admin=?*)
      [[ ${1#*=} == *:* ]] || die "\`${1#*=}\` is not a principal, such as User:driftseal"
      grants+=("$1"); shift ;;
    -h|--help) sed -n '2,/^set -/p' "${BASH_SOURCE[0]}" | sed -n 's/^# \{0,1\}//p'; exit 0 ;;
    *) die "\`$1\` is not an option or ROLE=PRINCIPAL; see --help" ;;
  esac
done
[ ${#grants[@]} -gt 0 ] || die "no ROLE=PRINCIPAL; see --help"
[ ${#events[@]} -gt 0 ] || events=(agent.events)

run() {
  if $print; then
    printf '%q ' "${KAFKA_ACLS:-kafka-acls.sh}" "$@" "${options[@]}"
    printf '\n'
  else
    "${KAFKA_ACLS:-kafka-acls.sh}" "$@" "${options[@]}"
  fi
}

# allow PRINCIPAL RESOURCE... -- OPERATION...: adds one grant.
allow() {
  local principal=$1 resource=() operations=()
  shift
  while [ "$1" != -- ]; do resource+=("$1"); shift; done
  shift
  for operation in "$@"; do operations+=(--operation "$operation"); done
  run --add --force --allow-principal "$principal" "${operations[@]}" "${resource[@]}"
}

# topics PRINCIPAL OPERATION... -- TOPIC...
topics() {
  local principal=$1 operations=() names=()
  shift
  while [ "$1" != -- ]; do operations+=("$1"); shift; done
  shift
  for topic in "$@"; do names+=(--topic "$prefix$topic"); done
  allow "$principal" "${names[@]}" -- "${operations[@]}"
}

# The groups of a role begin with prefix and name; the tag of the installation follows.
group() {
  allow "$1" --group "$prefix"driftseal-"$2". --resource-pattern-type prefixed -- Read Describe
}

reads=(Read Describe DescribeConfigs)
writes=(Write Describe)

for grant in "${grants[@]}"; do
  role=${grant%%=*}
  principal=${grant#*=}
  case $role in
    agent)
      topics "$principal" "${writes[@]}" -- "${events[@]}"
      ;;
    collector)
      topics "$principal" "${writes[@]}" DescribeConfigs -- "${events[@]}"
      ;;
    processor)
      topics "$principal" "${reads[@]}" Write -- "${events[@]}"
      topics "$principal" "${reads[@]}" -- driftseal.governance
      # It adds partitions to what it derives from the events.
      topics "$principal" "${reads[@]}" Write Alter -- driftseal.metrics driftseal.alerts driftseal.state
      group "$principal" processor
      ;;
    sealer)
      topics "$principal" "${reads[@]}" -- "${events[@]}" driftseal.governance driftseal.metrics \
        driftseal.alerts driftseal.controls
      group "$principal" sealer
      ;;
    notifier)
      topics "$principal" "${reads[@]}" Write -- driftseal.alerts driftseal.state
      topics "$principal" "${reads[@]}" -- driftseal.governance
      group "$principal" notifier
      ;;
    evidence)
      topics "$principal" "${reads[@]}" Write -- driftseal.governance driftseal.controls
      topics "$principal" "${reads[@]}" -- driftseal.alerts
      ;;
    admin)
      topics "$principal" Create Describe DescribeConfigs Alter AlterConfigs -- "${events[@]}" \
        driftseal.governance driftseal.metrics driftseal.alerts driftseal.controls driftseal.state
      ;;
  esac
done
