"""The OpenAI Agents SDK with OpenLLMetry, the instrumentations of Traceloop."""

import agents_loop
from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor

agents_loop.main("agents-openllmetry", "opentelemetry-instrumentation-openai-agents", OpenAIAgentsInstrumentor())
