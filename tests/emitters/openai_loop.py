"""An agent without a framework: the OpenAI client in a loop that calls tools."""

import contextlib
import json

import fake_model
import otel
from openai import OpenAI
from opentelemetry import trace
from truth import ORDERS, Truth

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {"order_id": {"type": "string"}},
                "required": ["order_id"],
            },
        },
    }
    for name, description in [("lookup_order", "Finds an order."), ("issue_refund", "Pays an order back.")]
]


def main(emitter: str, package: str, instrumentor) -> None:
    """Runs every order under that instrumentation, and prints the truth."""
    providers = otel.set_up()
    instrumentor.instrument()
    # Nothing but the client is instrumented: no agent, no tool.
    truth = Truth(emitter, [package, "openai"], "", ["tools", "conversation_id", "run", "cost"])
    client = OpenAI(base_url=fake_model.start(), api_key="none", max_retries=0)
    tracer = trace.get_tracer("refund_service")

    for number, order in enumerate([*ORDERS, ORDERS[0]]):
        model = "gpt-4.1" if number == 1 else "gpt-4.1-mini"
        alone = number == len(ORDERS)
        span = contextlib.nullcontext() if alone else tracer.start_as_current_span("POST /refunds")
        with truth.run(spans="one trace per call" if alone else "one trace"), span:
            messages = [{"role": "system", "content": "You refund orders."}, {"role": "user", "content": order}]
            converse(client, model, messages, truth)
    otel.shut_down(providers)
    truth.print()


def converse(client: OpenAI, model: str, messages: list, truth: Truth) -> None:
    """Asks until the model answers in text."""
    while True:
        answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS, temperature=0.2)
        message = answer.choices[0].message
        if not message.tool_calls:
            return
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            result = truth.tool(call.function.name, json.loads(call.function.arguments)["order_id"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
