"""The OpenAI Agents SDK, whose tool errors go to the model as text, so that the run goes on."""

import contextlib

import fake_model
import otel
from agents import Agent, RunConfig, Runner, function_tool, set_default_openai_client, set_trace_processors
from openai import AsyncOpenAI
from truth import ORDERS, Truth


def main(emitter: str, package: str, instrumentor, session=None) -> None:
    """Runs every order and one that is handed over under that instrumentation, and prints the truth."""
    providers = otel.set_up()
    # The SDK's own exporter would send to OpenAI.
    set_trace_processors([])
    instrumentor.instrument()
    truth = Truth(emitter, [package, "openai-agents"], "refund-desk", ["cost"])
    if session is None:
        truth.value["not_sent"].append("conversation_id")
        session = contextlib.nullcontext
    client = AsyncOpenAI(base_url=fake_model.start(), api_key="none", max_retries=0)
    set_default_openai_client(client, use_for_tracing=False)

    @function_tool
    def lookup_order(order_id: str) -> str:
        """Finds an order."""
        return truth.tool("lookup_order", order_id)

    @function_tool
    def issue_refund(order_id: str) -> str:
        """Pays an order back."""
        return truth.tool("issue_refund", order_id)

    def refund_desk(model: str) -> Agent:
        tools = [lookup_order, issue_refund]
        return Agent(name="refund-desk", instructions="You refund orders.", model=model, tools=tools)

    for number, order in enumerate(ORDERS):
        conversation = f"conversation-{number}"
        if number == 2:
            continue  # keeps what is captured small
        with truth.run(conversation_id=conversation), session(conversation):
            agent = refund_desk("gpt-4.1" if number == 1 else "gpt-4.1-mini")
            Runner.run_sync(agent, order, run_config=RunConfig(group_id=conversation))

    front_desk = Agent(name="front-desk", model="gpt-4.1-mini", handoffs=[refund_desk("gpt-4.1")])
    handed_over = {"agent": "front-desk", "handed_to": "refund-desk", "conversation_id": "conversation-5"}
    with truth.run(**handed_over), session("conversation-5"):
        order = "Refund order 44 please. [tools: transfer_to_refund_desk, lookup_order]"
        Runner.run_sync(front_desk, order, run_config=RunConfig(group_id="conversation-5"))
    otel.shut_down(providers)
    truth.print()
