"""A model server that answers like OpenAI's, always the same way, on a free port of the loopback interface.

It speaks chat completions and responses. The user's last message steers it: `[tools: a, b]` makes it
call tool `a`, then `b`, then answer in text; `[model error]` makes it answer 500. Usage of tokens
depends only on how many tools were called before. It keeps what it was asked, so that a script can
tell the truth about its run without asking the library it tests.

`python fake_model.py` prints its port and serves until its standard input ends; `GET /calls` hands
out, and forgets, the calls since the last time.
"""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CALLS: list[dict] = []
"""Each answered request since the last `take`: model, tokens, tool that was called, whether it failed."""

# Input, output, of which cached, of which reasoning: by the number of tools called before.
USAGE = [(101, 17, 32, 4), (149, 23, 64, 6), (211, 29, 96, 0)]

# Dollars for a million tokens: input, of which cached, output. These are the models' list prices.
PRICES = {"gpt-4.1-mini": (0.40, 0.10, 1.60), "gpt-4.1": (2.00, 0.50, 8.00)}


def cost(model: str, tokens: tuple) -> float | None:
    """What the list price makes of it."""
    if model not in PRICES:
        return None
    uncached, cached, output = PRICES[model]
    return ((tokens[0] - tokens[2]) * uncached + tokens[2] * cached + tokens[1] * output) / 1e6


def text_of(content) -> str:
    """The text of a message, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content or [])


def plan(messages: list[dict]) -> tuple[str, int]:
    """The last thing that the user said, and how many tools have answered since."""
    said, tools = "", 0
    for message in messages:
        if message.get("role") == "user":
            said, tools = text_of(message.get("content")), 0
        elif message.get("role") == "tool" or message.get("type") == "function_call_output":
            tools += 1
    return said, tools


def decide(body: dict, messages: list[dict]) -> dict:
    """What to answer: an error, a tool or a text, with its tokens."""
    said, done = plan(messages)
    wanted = re.search(r"\[tools: ([^\]]*)\]", said)
    wanted = [name.strip() for name in wanted.group(1).split(",")] if wanted else []
    order = re.search(r"order (\S+)", said)
    model = body.get("model", "")
    call = {"model": model, "response_model": f"{model}-2025-04-14", "failed": False, "tool": None}
    if "[model error]" in said and done == len(wanted):
        call.update(failed=True, response_model=None, input_tokens=0, output_tokens=0)
        return call
    tokens = USAGE[min(done, len(USAGE) - 1)]
    keys = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
    call.update(zip(keys, tokens), list_price=cost(model, tokens))
    if done < len(wanted):
        call["tool"] = wanted[done]
        call["arguments"] = json.dumps({"order_id": order.group(1) if order else "none"})
    else:
        call["text"] = f"Done after {done} tools."
    return call


def chat_completion(call: dict, number: int) -> dict:
    message = {"role": "assistant", "content": call.get("text"), "refusal": None}
    if call["tool"]:
        function = {"name": call["tool"], "arguments": call["arguments"]}
        message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": call["response_model"],
        "service_tier": "default",
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": "tool_calls" if call["tool"] else "stop",
        }],
        "usage": {
            "prompt_tokens": call["input_tokens"],
            "completion_tokens": call["output_tokens"],
            "total_tokens": call["input_tokens"] + call["output_tokens"],
            "prompt_tokens_details": {"cached_tokens": call["cached_input_tokens"], "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": call["reasoning_tokens"], "audio_tokens": 0},
        },
    }


def response(call: dict, number: int, body: dict) -> dict:
    if call["tool"]:
        item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}",
                "name": call["tool"], "arguments": call["arguments"], "status": "completed"}
    else:
        content = {"type": "output_text", "text": call["text"], "annotations": []}
        item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
                "content": [content]}
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": "completed",
        "model": call["response_model"],
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": {
            "input_tokens": call["input_tokens"],
            "output_tokens": call["output_tokens"],
            "total_tokens": call["input_tokens"] + call["output_tokens"],
            "input_tokens_details": {"cached_tokens": call["cached_input_tokens"]},
            "output_tokens_details": {"reasoning_tokens": call["reasoning_tokens"]},
        },
    }


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    number = 0

    def do_GET(self):
        self.answer(200, take())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        is_chat = self.path.endswith("/chat/completions")
        messages = body.get("messages" if is_chat else "input") or []
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        call = decide(body, messages)
        CALLS.append(call)
        Model.number += 1
        if call["failed"]:
            error = {"message": "The server had an error.", "type": "server_error", "code": None, "param": None}
            self.answer(500, {"error": error})
        elif is_chat:
            self.answer(200, chat_completion(call, Model.number))
        else:
            self.answer(200, response(call, Model.number, body))

    def answer(self, status: int, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def take() -> list[dict]:
    """The calls since the last time."""
    calls, CALLS[:] = list(CALLS), []
    return calls


def start() -> str:
    """Serves in a thread; the address that clients call their base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"


if __name__ == "__main__":
    print(start().rsplit(":", 1)[1].removesuffix("/v1"), flush=True)
    sys.stdin.read()
