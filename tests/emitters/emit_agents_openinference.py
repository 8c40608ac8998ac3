"""The OpenAI Agents SDK with OpenInference, the conventions of Arize Phoenix."""

import agents_loop
from openinference.instrumentation import using_session
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

PACKAGE = "openinference-instrumentation-openai-agents"
agents_loop.main("agents-openinference", PACKAGE, OpenAIAgentsInstrumentor(), using_session)
