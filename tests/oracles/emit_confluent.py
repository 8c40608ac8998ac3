"""Emits runs as Confluent's own serializers write them: Avro behind an id, Avro with a GUID in a header,
JSON behind an id.

    emit_confluent.py BOOTSTRAP REGISTRY TOPIC FIRST COUNT
"""

import json
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

AVRO = {
    "type": "record",
    "name": "Run",
    "namespace": "shop.agents",
    "fields": [
        {"name": "kind", "type": "string"},
        {"name": "event_id", "type": "string"},
        {"name": "agent_id", "type": "string"},
        {
            "name": "run",
            "type": {
                "type": "record",
                "name": "Outcome",
                "fields": [
                    {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["ok", "error"]}},
                    {"name": "duration_ms", "type": "int"},
                ],
            },
        },
    ],
}
BY_HEADER = dict(AVRO, name="RunByHeader")
JSON_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Run",
    "type": "object",
    "properties": {"kind": {"type": "string"}},
}


def main(bootstrap, registry, topic, first, count):
    client = SchemaRegistryClient({"url": registry})
    by_header = {"schema.id.serializer": header_schema_id_serializer}
    serializers = [
        ("avro", AvroSerializer(client, json.dumps(AVRO))),
        ("header", AvroSerializer(client, json.dumps(BY_HEADER), conf=by_header)),
        ("json", JSONSerializer(json.dumps(JSON_SCHEMA), client)),
    ]
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    failed = []
    for number in range(int(first), int(first) + int(count)):
        for form, serializer in serializers:
            event = {
                "kind": "run.completed",
                "event_id": f"{form}-{number}",
                "agent_id": f"agent-{number % 12}",
                "run": {"status": "error" if number % 10 == 0 else "ok", "duration_ms": number},
            }
            # Each form has a subject of its own.
            context = SerializationContext(f"{topic}-{form}", MessageField.VALUE, [])
            value = serializer(event, context)
            producer.produce(
                topic,
                key=event["agent_id"],
                value=value,
                headers=context.headers,
                on_delivery=lambda error, _: error and failed.append(error),
            )
    producer.flush(60)
    if failed or len(producer):
        sys.exit(f"not delivered: {failed[:3]}, {len(producer)} waiting")


main(*sys.argv[1:])
