"""OpenTelemetry's instrumentation of the OpenAI client, in the package that succeeds `-openai-v2`."""

import openai_loop
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

openai_loop.main("genai-openai", "opentelemetry-instrumentation-genai-openai", OpenAIInstrumentor())
