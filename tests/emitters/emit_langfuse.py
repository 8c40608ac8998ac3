"""The Langfuse SDK, which sends its own attributes to /api/public/otel/v1/traces of LANGFUSE_BASE_URL."""

import json
import os

os.environ.setdefault("LANGFUSE_PUBLIC_KEY", "pk-lf-none")
os.environ.setdefault("LANGFUSE_SECRET_KEY", "sk-lf-none")

import fake_model
from langfuse import Langfuse, propagate_attributes
from openai import OpenAI
from openai_loop import TOOLS
from truth import ORDERS, ToolError, Truth

truth = Truth("langfuse", ["langfuse"], "refund-desk", ["response_model"])
langfuse = Langfuse(release=os.environ.get("LANGFUSE_RELEASE"))
client = OpenAI(base_url=fake_model.start(), api_key="none", max_retries=0)


def generation(model: str, messages: list):
    """One call of the model, told as Langfuse asks for it."""
    with langfuse.start_as_current_observation(
        as_type="generation", name="answer", model=model, input=messages, model_parameters={"temperature": 0.2}
    ) as span:
        answer = client.chat.completions.create(model=model, messages=messages, tools=TOOLS, temperature=0.2)
        usage, message = answer.usage, answer.choices[0].message
        cost = fake_model.cost(model, (usage.prompt_tokens, usage.completion_tokens, 0))
        span.update(
            output=message.model_dump(exclude_none=True),
            usage_details={"input": usage.prompt_tokens, "output": usage.completion_tokens},
            cost_details={"total": cost},
        )
        return message, cost


def tool(call) -> str:
    """One call of a tool."""
    order_id = json.loads(call.function.arguments)["order_id"]
    with langfuse.start_as_current_observation(
        as_type="tool", name=call.function.name, input={"order_id": order_id}
    ) as span:
        try:
            result = truth.tool(call.function.name, order_id)
        except ToolError as error:
            span.update(level="ERROR", status_message=str(error))
            return str(error)
        span.update(output=result)
        return result


for number, order in enumerate(ORDERS):
    model = "gpt-4.1" if number == 1 else "gpt-4.1-mini"
    conversation = f"conversation-{number}"
    with (
        truth.run(conversation_id=conversation, cost=0.0, evaluations=[]) as run,
        propagate_attributes(session_id=conversation, user_id="user-7", tags=["refunds"]),
        langfuse.start_as_current_observation(as_type="agent", name="refund-desk", input=order) as span,
    ):
        messages = [{"role": "user", "content": order}]
        while True:
            message, cost = generation(model, messages)
            run["cost"] += cost
            if not message.tool_calls:
                break
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                messages.append({"role": "tool", "tool_call_id": call.id, "content": tool(call)})
        span.update(output=message.content)
langfuse.flush()
langfuse.shutdown()
truth.print()
