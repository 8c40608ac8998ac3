"""Keeps what an emitter exports over OTLP/HTTP, as OTLP/JSON.

    python capture.py NAME COMMAND...

starts a server, runs the command with the standard environment variables pointing at it, and writes
`captured/NAME.{traces,logs,metrics}.jsonl`, one request a line, and `captured/NAME.truth.json`, what
the command printed. Needs `opentelemetry-proto`. What could name a machine or a person is replaced.
"""

import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HERE = pathlib.Path(__file__).parent
SIGNALS = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
BYTES_MAX = 60 * 1024
TEXT_MAX = 200
requests: list[tuple[str, str, str, bytes]] = []


class Sink(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.chunks() if "content-length" not in self.headers else self.rfile.read(
            int(self.headers["content-length"])
        )
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        kind = self.headers.get("content-type", "")
        requests.append((self.path, kind, self.headers.get("content-encoding", "identity"), body))
        is_json = "json" in kind
        self.send_response(200)
        self.send_header("content-type", "application/json" if is_json else "application/x-protobuf")
        self.send_header("content-length", "2" if is_json else "0")
        self.end_headers()
        if is_json:
            self.wfile.write(b"{}")

    def chunks(self) -> bytes:
        """A body of unknown length, as Node's exporters send."""
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        pass


def as_otlp_json(value):
    """Identifiers of traces and spans are hexadecimal in OTLP/JSON, where Protobuf's JSON has base64."""
    if isinstance(value, list):
        return [as_otlp_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: b64decode(item).hex() if key in ("traceId", "spanId", "parentSpanId") else as_otlp_json(item)
        for key, item in value.items()
    }


def compact(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def without_machine(text: str) -> str:
    """Paths of libraries and of this checkout, ports, and names of hosts say nothing about emitters."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text)
    text = re.sub(r'("server.port","value":\{"intValue":)"\d+"', r'\1"8000"', text)
    text = re.sub(r"/[A-Za-z0-9._+/-]*/site-packages/", "/app/site-packages/", text)
    text = re.sub(r"/[A-Za-z0-9._+/-]*/node_modules/", "/app/node_modules/", text)
    text = text.replace(str(HERE), "/app")
    text = re.sub(r"/[A-Za-z0-9._+/-]*/(lib/python3\.\d+/)", r"/usr/\1", text)
    return text


def shortened(text: str) -> str:
    return f"{text[:100]} [...] {text[-40:]}"


def shorter(value):
    """Long texts without their middle, but for those of `gen_ai.`: stack traces, whole conversations."""
    if isinstance(value, list):
        return [shorter(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = value.get("value")
    text = inner.get("stringValue", "") if isinstance(inner, dict) else ""
    if len(text) > TEXT_MAX and not value["key"].startswith("gen_ai."):
        return value | {"value": {"stringValue": shortened(text)}}
    if "code" in value and len(value.get("message", "")) > TEXT_MAX:
        return value | {"message": shortened(value["message"])}
    return {key: shorter(item) for key, item in value.items()}


def without_process(request: dict) -> dict:
    """Keeps the keys of resource attributes about host and process, and replaces their values."""
    for group in ("resourceSpans", "resourceLogs", "resourceMetrics"):
        for resource in request.get(group, []):
            for attribute in resource.get("resource", {}).get("attributes", []):
                if attribute["key"].startswith(("host.", "process.", "os.", "service.instance.")):
                    attribute["value"] = {"stringValue": "replaced"}
    return request


def main() -> None:
    name, command = sys.argv[1], sys.argv[2:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    attributes = "service.name=refund-service,service.version=1.4.0,deployment.environment.name=staging"
    resource = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", attributes)
    environment = os.environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": resource,
        "LANGFUSE_BASE_URL": endpoint,
    }
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    truth = json.loads(run.stdout)
    truth["requests"] = sorted({(path, kind, coding) for path, kind, coding, _ in requests})
    folder = HERE / "captured"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    for signal, message in SIGNALS.items():
        lines = []
        for path, kind, _, body in requests:
            if not path.endswith(f"/v1/{signal}"):
                continue
            if "json" in kind:
                request = json.loads(body)
            else:
                request = as_otlp_json(MessageToDict(message.FromString(body)))
            clean = json.loads(without_machine(compact(without_process(request))))
            lines.append(compact(shorter(clean)))
        file = folder / f"{name}.{signal}.jsonl"
        file.unlink(missing_ok=True)
        if lines:
            file.write_text("\n".join(lines) + "\n")
            size = file.stat().st_size
            print(f"{file.name}: {len(lines)} requests, {size} bytes" + (", TOO LARGE" if size > BYTES_MAX else ""))
    print({path for path, *_ in requests})


if __name__ == "__main__":
    main()
