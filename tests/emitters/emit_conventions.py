"""OpenTelemetry's SDK by hand, as its conventions for generative AI say: for what no library here sends.

Spans `invoke_agent`, `chat`, `execute_tool` and `retrieval` with `gen_ai.agent.{id,name,version}` and
`error.type`; log events `gen_ai.evaluation.result`, correlated with the span that was evaluated.
"""

import otel
from opentelemetry import _logs, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.trace import SpanKind, Status, StatusCode
from truth import Truth

providers = otel.set_up()
tracer = trace.get_tracer("refund_agent", schema_url="https://opentelemetry.io/schemas/1.37.0")
logger = _logs.get_logger("refund_evaluator")
truth = Truth("conventions", ["opentelemetry-sdk"], "refund-desk", ["cost"])
MODEL = "claude-sonnet-4-5"


def chat(run: dict, tokens: tuple[int, int], failed: bool = False) -> None:
    """One call of a model."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.max_tokens": 1024,
    }
    call = {"model": MODEL, "response_model": None if failed else MODEL, "failed": failed}
    call |= dict(zip(("input_tokens", "output_tokens"), (0, 0) if failed else tokens))
    run["calls"].append(call)
    with tracer.start_as_current_span(f"chat {MODEL}", kind=SpanKind.CLIENT, attributes=attributes) as span:
        if failed:
            span.set_attribute("error.type", "timeout")
            span.set_status(Status(StatusCode.ERROR, "no answer in 30 s"))
            return
        span.set_attribute("gen_ai.response.model", MODEL)
        span.set_attribute("gen_ai.response.id", f"msg_{len(truth.value['runs'])}_{len(run['calls'])}")
        span.set_attribute("gen_ai.response.finish_reasons", ["end_turn"])
        span.set_attribute("gen_ai.usage.input_tokens", tokens[0])
        span.set_attribute("gen_ai.usage.output_tokens", tokens[1])


def tool(name: str, failed: bool = False) -> None:
    """One call of a tool."""
    truth.tools.append({"name": name, "failed": failed})
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.type": "function"}
    with tracer.start_as_current_span(f"execute_tool {name}", attributes=attributes) as span:
        if failed:
            span.set_attribute("error.type", "ConnectionError")
            span.set_status(Status(StatusCode.ERROR, "connection refused"))


def evaluate(run: dict, span: trace.Span, name: str, score: float | None, label: str | None) -> None:
    """One result of an evaluator, which speaks after the run."""
    run["evaluations"].append({"name": name, "score": score, "label": label})
    attributes = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.explanation": "by rule"}
    if score is not None:
        attributes["gen_ai.evaluation.score.value"] = score
    if label is not None:
        attributes["gen_ai.evaluation.score.label"] = label
    logger.emit(
        LogRecord(
            event_name="gen_ai.evaluation.result",
            severity_number=SeverityNumber.INFO,
            context=trace.set_span_in_context(span),
            attributes=attributes,
        )
    )


for number, kind in enumerate(["well", "tool error", "model error", "retrieval"]):
    conversation = f"conversation-{number}"
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.agent.id": "agent-17",
        "gen_ai.agent.name": "refund-desk",
        "gen_ai.agent.version": "2026-10-01" if number < 3 else "2026-11-01",
        "gen_ai.conversation.id": conversation,
        "gen_ai.request.model": MODEL,
    }
    version = attributes["gen_ai.agent.version"]
    with truth.run(conversation_id=conversation, evaluations=[]) as run:
        run["calls"] = []
        with tracer.start_as_current_span("invoke_agent refund-desk", attributes=attributes) as span:
            if kind == "retrieval":
                searched = {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "policies-v3"}
                with tracer.start_as_current_span("retrieval policies-v3", attributes=searched):
                    run["retrievals"] = ["policies-v3"]
            chat(run, (901 + number, 47))
            tool("lookup_order", failed=kind == "tool error")
            chat(run, (1013 + number, 53), failed=kind == "model error")
            if kind == "model error":
                run["failed"] = True
                span.set_attribute("error.type", "timeout")
                span.set_status(Status(StatusCode.ERROR, "the model did not answer"))
        evaluate(run, span, "groundedness", 0.5 + number / 8, "pass" if number < 2 else "fail")
        evaluate(run, span, "polite", None, "yes") if number == 0 else None
        evaluate(run, span, "relevance", 4.0, None) if number == 3 else None
    run["version"] = version
    run["model_calls"] = run.pop("calls")
otel.shut_down(providers)
truth.print()
