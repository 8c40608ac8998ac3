"""The CloudEvents SDK with its Kafka binding, in binary mode and in structured mode by turns.

    cloud_events.py BOOTSTRAP TOPIC < events       a key, a tab and an event on each line
"""

import json
import sys

from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer

failed = []
producer = Producer({"bootstrap.servers": sys.argv[1], "partitioner": "murmur2_random"})
for number, line in enumerate(sys.stdin):
    key, event = line.rstrip("\n").split("\t", 1)
    event = json.loads(event)
    attributes = {
        "id": event.pop("event_id"),
        "source": "urn:example:refunds",
        "type": event["kind"],
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "partitionkey": key,
    }
    make = to_binary_event if number % 2 else to_structured_event
    message = make(CloudEvent(attributes, event))
    producer.produce(
        sys.argv[2],
        message.value,
        message.key,
        headers=list(message.headers.items()),
        on_delivery=lambda error, _: failed.append(error) if error else None,
    )
producer.flush()
sys.exit(str(failed) if failed else 0)
