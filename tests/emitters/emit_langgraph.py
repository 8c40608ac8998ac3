"""A LangGraph agent with OpenInference's instrumentation of LangChain."""

import fake_model
import otel
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from truth import ORDERS, Truth

providers = otel.set_up()
LangChainInstrumentor().instrument()
packages = ["openinference-instrumentation-langchain", "langgraph"]
truth = Truth("langgraph-openinference", packages, "refund-desk", ["cost"])
base_url = fake_model.start()


@tool
def lookup_order(order_id: str) -> str:
    """Finds an order."""
    return truth.tool("lookup_order", order_id)


@tool
def issue_refund(order_id: str) -> str:
    """Pays an order back."""
    return truth.tool("issue_refund", order_id)


for number, order in enumerate(ORDERS):
    if number in (0, 2):
        continue  # keeps what is captured small
    name = "gpt-4.1" if number == 1 else "gpt-4.1-mini"
    model = ChatOpenAI(model=name, base_url=base_url, api_key="none", max_retries=0)
    agent = create_agent(model, [lookup_order, issue_refund], system_prompt="You refund orders.", name="refund-desk")
    conversation = f"conversation-{number}"
    with truth.run(conversation_id=conversation):
        message = {"role": "user", "content": order}
        agent.invoke({"messages": [message]}, {"configurable": {"thread_id": conversation}})
otel.shut_down(providers)
truth.print()
