"""What really happened in an emitter's runs, told by the fake model and the tools themselves."""

import contextlib
import json
import os
from importlib.metadata import version as installed

import fake_model


class ToolError(Exception):
    """What a tool says that fails."""


class Truth:
    """Collects runs; `print` writes them as one JSON object."""

    def __init__(self, emitter: str, packages: list[str], agent: str, not_sent: list[str] | None = None):
        resource = dict(
            pair.split("=", 1) for pair in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") if "=" in pair
        )
        self.agent = agent or resource.get("service.name")
        self.version = resource.get("service.version")
        self.tools: list[dict] = []
        self.value = {
            "emitter": emitter,
            "packages": {name: installed(name) for name in packages},
            # What happened and no span, log or metric of this emitter says.
            "not_sent": not_sent or [],
            "runs": [],
        }

    def tool(self, name: str, order_id: str) -> str:
        """What every tool of every agent does: answers, or fails for an order that is missing."""
        failed = order_id == "missing"
        self.tools.append({"name": name, "failed": failed})
        if failed:
            raise ToolError(f"no order {order_id}")
        return f"{name}: order {order_id} is fine"

    @contextlib.contextmanager
    def run(self, *, agent: str | None = None, conversation_id: str | None = None, **more):
        """One run; an exception that leaves it makes it failed and ends here."""
        self.tools = []
        fake_model.take()
        run = {
            "agent": agent or self.agent,
            "version": self.version,
            "conversation_id": conversation_id,
            "failed": False,
            **more,
        }
        try:
            yield run
        except Exception as error:  # an agent fails in whatever way its library has
            run["failed"] = True
            run["error"] = type(error).__name__
        calls = fake_model.take()
        for call in calls:
            for name in ("tool", "arguments", "text"):
                call.pop(name, None)
        run["model_calls"] = calls
        run["tools"] = self.tools
        self.value["runs"].append(run)

    def print(self) -> None:
        """The truth as one line of JSON, which is all that a script prints to standard output."""
        print(json.dumps(self.value), flush=True)


ORDERS = [
    # A run of each sort: what the user asks, which the fake model reads.
    "Refund order 41 please. [tools: lookup_order]",
    "Refund order 42 please. [tools: lookup_order, issue_refund]",
    "Is a refund possible without a receipt?",
    "Refund order missing please. [tools: lookup_order]",
    "Refund order 43 please. [tools: lookup_order] [model error]",
]
