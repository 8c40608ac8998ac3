"""confluent-kafka with Avro's single-object encoding of the product's own schema; no registry.

    confluent_avro.py BOOTSTRAP TOPIC < events     a key, a tab and an event on each line
"""

import io
import json
import pathlib
import sys
from datetime import datetime

import fastavro
from confluent_kafka import Producer

text = (pathlib.Path(__file__).parents[3] / "schemas/events/event.avsc").read_text()
schema = fastavro.parse_schema(json.loads(text))
fingerprint = fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(json.loads(text)), "CRC-64-AVRO")
failed = []
producer = Producer({"bootstrap.servers": sys.argv[1], "partitioner": "murmur2_random"})
for line in sys.stdin:
    key, event = line.rstrip("\n").split("\t", 1)
    event = json.loads(event)
    event["event_time"] = datetime.fromisoformat(event["event_time"])
    # The only field without a default.
    event.setdefault("schema_version", 1)
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, event)
    value = b"\xc3\x01" + bytes.fromhex(fingerprint) + body.getvalue()
    producer.produce(sys.argv[2], value, key, on_delivery=lambda error, _: failed.append(error) if error else None)
producer.flush()
sys.exit(str(failed) if failed else 0)
