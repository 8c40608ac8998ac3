// Vercel's AI SDK with its own OpenTelemetry integration (https://ai-sdk.dev/docs/ai-sdk-core/telemetry).

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createOpenAI } from '@ai-sdk/openai';
import { OpenTelemetry } from '@ai-sdk/otel';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { isStepCount, registerTelemetry, tool, ToolLoopAgent } from 'ai';
import { z } from 'zod';

const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter() });
sdk.start();
registerTelemetry(new OpenTelemetry());

const script = new URL('../fake_model.py', import.meta.url).pathname;
const server = spawn('python3', ['-B', script], { stdio: ['pipe', 'pipe', 'inherit'] });
const [port] = await new Promise((done) => createInterface(server.stdout).once('line', (line) => done([line])));
const baseURL = `http://127.0.0.1:${port}/v1`;
const openai = createOpenAI({ baseURL, apiKey: 'none' });

let called = [];
const use = (name) => ({ order_id }) => {
  const failed = order_id === 'missing';
  called.push({ name, failed });
  if (failed) throw new Error(`no order ${order_id}`);
  return `${name}: order ${order_id} is fine`;
};
const inputSchema = z.object({ order_id: z.string() });
const tools = {
  lookup_order: tool({ description: 'Finds an order.', inputSchema, execute: use('lookup_order') }),
  issue_refund: tool({ description: 'Pays an order back.', inputSchema, execute: use('issue_refund') }),
};
const agent = (model) => new ToolLoopAgent({
  model: openai(model),
  instructions: 'You refund orders.',
  tools,
  maxRetries: 0,
  stopWhen: isStepCount(9),
  telemetry: { functionId: 'refund-desk' },
});

// Those of truth.py, without what would only make the capture larger.
const orders = [
  'Refund order 42 please. [tools: lookup_order, issue_refund]',
  'Refund order missing please. [tools: lookup_order]',
  'Refund order 43 please. [tools: lookup_order] [model error]',
];
const attributes = new Map((process.env.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',').map((pair) => pair.split('=')));
const installed = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
const runs = [];
for (const [number, prompt] of orders.entries()) {
  called = [];
  const run = { agent: 'refund-desk', version: attributes.get('service.version'), conversation_id: null, failed: false };
  try {
    await agent(number === 0 ? 'gpt-4.1' : 'gpt-4.1-mini').generate({ prompt });
  } catch (error) {
    Object.assign(run, { failed: true, error: error.name });
  }
  const calls = await (await fetch(`${baseURL}/calls`)).json();
  run.model_calls = calls.map(({ tool: _, arguments: __, text: ___, ...call }) => call);
  run.tools = called;
  runs.push(run);
}
await sdk.shutdown();
server.stdin.end();
const packages = { ai: installed('ai'), '@ai-sdk/otel': installed('@ai-sdk/otel') };
console.log(JSON.stringify({ emitter: 'ai-sdk', packages, not_sent: ['conversation_id', 'cost'], runs }));
