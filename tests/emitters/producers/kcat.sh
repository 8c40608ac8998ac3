#!/bin/sh
# kcat, which is librdkafka.   kcat.sh BOOTSTRAP TOPIC < events   a key, a tab and an event on each line
exec kcat -P -b "$1" -t "$2" -K '	' -X partitioner=murmur2_random -H content-type=application/json
