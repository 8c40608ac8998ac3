#!/bin/sh
# Java's client: Kafka's console producer, from the broker's jars.
#   java.sh BOOTSTRAP TOPIC < events   a key, a tab and an event on each line
exec java -Xmx256m -cp "$(dirname "$0")/../../../deploy/kafka/libs/*" org.apache.kafka.tools.ConsoleProducer \
    --bootstrap-server "$1" --topic "$2" --reader-property parse.key=true --compression-codec zstd
