"""OpenTelemetry's instrumentation of the OpenAI client, in the older package (`-openai-v2`).

Only the model's calls are instrumented. The application has a span of its own around most runs, as a
web framework's instrumentation would make; the last run has none, so that each call is a trace.
Set OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental for the newer conventions.
"""

import os

import openai_loop
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

newer = "gen_ai_latest_experimental" in os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")
name = "openai-v2-opt-in" if newer else "openai-v2"
openai_loop.main(name, "opentelemetry-instrumentation-openai-v2", OpenAIInstrumentor())
