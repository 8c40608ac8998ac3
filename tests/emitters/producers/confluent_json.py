"""confluent-kafka, which is librdkafka, with JSON.

    confluent_json.py BOOTSTRAP TOPIC < events     a key, a tab and an event on each line
"""

import sys

from confluent_kafka import Producer

failed = []
# librdkafka's own partitioner would put an agent elsewhere than Java's clients do.
producer = Producer({"bootstrap.servers": sys.argv[1], "partitioner": "murmur2_random"})
for line in sys.stdin:
    key, event = line.rstrip("\n").split("\t", 1)
    producer.produce(sys.argv[2], event, key, on_delivery=lambda error, _: failed.append(error) if error else None)
producer.flush()
sys.exit(str(failed) if failed else 0)
