"""A Pydantic AI agent whose tools are on an MCP server, with the spans that MCP's own SDK makes.

One call of a tool is two spans: the agent's, and the MCP server's below it.
"""

import asyncio

import fake_model
import otel
from mcp import Client
from mcp.server import MCPServer
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from truth import ORDERS, ToolError, Truth

providers = otel.set_up()
Agent.instrument_all()
truth = Truth("mcp", ["mcp", "pydantic-ai-slim"], "refund-desk")
server = MCPServer("orders")


@server.tool()
def lookup_order(order_id: str) -> str:
    """Finds an order."""
    return truth.tool("lookup_order", order_id)


async def main() -> None:
    openai = AsyncOpenAI(base_url=fake_model.start(), api_key="none", max_retries=0)
    model = OpenAIChatModel("gpt-4.1-mini", provider=OpenAIProvider(openai_client=openai))
    agent = Agent(model, name="refund-desk")
    async with Client(server) as client:

        @agent.tool_plain(name="lookup_order")
        async def forward(order_id: str) -> str:
            result = await client.call_tool("lookup_order", {"order_id": order_id})
            if result.is_error:
                raise ToolError(result.content[0].text)
            return result.content[0].text

        for number in (0, 3):
            conversation = f"conversation-{number}"
            with truth.run(conversation_id=conversation):
                await agent.run(ORDERS[number], conversation_id=conversation)


asyncio.run(main())
otel.shut_down(providers)
truth.print()
