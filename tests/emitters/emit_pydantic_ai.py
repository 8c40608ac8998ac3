"""Pydantic AI with its own instrumentation (https://ai.pydantic.dev/logfire/)."""

import fake_model
import otel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from truth import ORDERS, Truth

providers = otel.set_up()
Agent.instrument_all()
truth = Truth("pydantic-ai", ["pydantic-ai-slim"], "refund-desk")
base_url = fake_model.start()


def agent(model: str) -> Agent:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    made = Agent(OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client)), name="refund-desk",
                 instructions="You refund orders.")

    @made.tool_plain
    def lookup_order(order_id: str) -> str:
        return truth.tool("lookup_order", order_id)

    @made.tool_plain
    def issue_refund(order_id: str) -> str:
        return truth.tool("issue_refund", order_id)

    return made


for number, order in enumerate(ORDERS):
    if number == 2:
        continue  # keeps what is captured small
    model = "gpt-4.1" if number == 1 else "gpt-4.1-mini"
    conversation = f"conversation-{number}"
    with truth.run(conversation_id=conversation):
        agent(model).run_sync(order, conversation_id=conversation)
otel.shut_down(providers)
truth.print()
