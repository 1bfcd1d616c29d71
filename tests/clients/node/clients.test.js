// The official openai package for Node against `outcrop serve --replay`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Gateway } from "./gateway.js";
import { OpenAI, skip } from "./sdk.js";

const OUTCROP = "An outcrop is where bedrock comes to the surface.";
const QUESTION = [{ role: "user", content: "What is an outcrop?" }];
// A PNG of one red pixel.
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

const unless = { skip };

let gateway, client;

before(async () => {
  if (skip) return;
  gateway = await Gateway.start(0);
  client = connect(gateway);
});
after(async () => gateway?.stop());

// A client that repeats nothing, so that each answer is what the gateway said.
function connect(gateway, options = {}) {
  return new OpenAI({ baseURL: gateway.baseURL, apiKey: "unused", maxRetries: 0, ...options });
}

function ask(name, more = {}, by = client) {
  return by.chat.completions.create({ model: `replay.${name}`, messages: QUESTION, ...more });
}

async function streamed(name, more = {}) {
  return Array.fromAsync(await ask(name, { stream: true, ...more }));
}

function textOf(chunks) {
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
}

function tool(name, ...properties) {
  const schema = Object.fromEntries(properties.map((property) => [property, { type: "string" }]));
  const parameters = { type: "object", properties: schema, required: properties };
  return { type: "function", function: { name, parameters } };
}

test("a plain answer", unless, async () => {
  const completion = await ask("short-text");
  assert.equal(completion.object, "chat.completion");
  assert.equal(completion.choices[0].message.content, OUTCROP);
  assert.equal(completion.choices[0].finish_reason, "stop");
  assert.equal(completion.usage.total_tokens, 29);
});

test("a streamed answer", unless, async () => {
  const chunks = await streamed("short-text");
  assert.equal(textOf(chunks), OUTCROP);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.ok(chunks.every((chunk) => !chunk.usage));
});

test("a streamed answer with usage", unless, async () => {
  const chunks = await streamed("short-text", { stream_options: { include_usage: true } });
  assert.equal(textOf(chunks), OUTCROP);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.prompt_tokens, 14);
  assert.equal(chunks.filter((chunk) => chunk.usage).length, 1);
});

test("the stream helper", unless, async () => {
  const stream = client.chat.completions.stream({ model: "replay.short-text", messages: QUESTION });
  const pieces = [];
  stream.on("content", (piece) => pieces.push(piece));
  assert.equal(await stream.finalContent(), OUTCROP);
  assert.equal(pieces.join(""), OUTCROP);
});

test("every script arrives as it was written", unless, async () => {
  const whole = (await ask("unicode-text")).choices[0].message.content;
  assert.equal(textOf(await streamed("unicode-text")), whole);
  for (const piece of ["おはよう", "\\", '"', "\t", "\n"]) assert.ok(whole.includes(piece), piece);
});

test("a thousand pieces arrive as a thousand chunks", unless, async () => {
  const chunks = await streamed("long-text");
  assert.ok(chunks.filter((chunk) => chunk.choices[0]?.delta.content).length >= 1000);
  assert.equal(textOf(chunks), (await ask("long-text")).choices[0].message.content);
});

test("an image by data URL", unless, async () => {
  const content = [
    { type: "text", text: "Which colour is this?" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } },
  ];
  const completion = await ask("image-question", { messages: [{ role: "user", content }] });
  assert.equal(completion.choices[0].message.content, "The picture is a single red pixel.");
});

test("a loop of calls and results", unless, async () => {
  const tools = [tool("search", "thing"), tool("open_box", "key")];
  const results = { search: "It is of brass.", open_box: "There is a fossil." };
  const messages = [...QUESTION];
  const made = [];
  for (;;) {
    const { message, finish_reason } = (await ask("tool-loop", { messages, tools })).choices[0];
    assert.equal(finish_reason, message.tool_calls ? "tool_calls" : "stop");
    messages.push(message);
    if (!message.tool_calls) break;
    for (const call of message.tool_calls) {
      made.push([call.function.name, JSON.parse(call.function.arguments)]);
      messages.push({ role: "tool", tool_call_id: call.id, content: results[call.function.name] });
    }
    assert.ok(made.length < 10, "still calling");
  }
  assert.deepEqual(made, [["search", { thing: "key" }], ["open_box", { key: "brass" }]]);
  assert.equal(messages.at(-1).content, "The brass key opened the box: there is a fossil in it.");
});

test("reasoning that comes back with messages as they were needs no memory", unless, async () => {
  const forgetful = await Gateway.start(0, { OUTCROP_RECALL_MAX_BYTES: "0" });
  try {
    const adjusted = [];
    const recording = async (...request) => {
      const answer = await fetch(...request);
      adjusted.push(answer.headers.get("x-outcrop-adjusted"));
      return answer;
    };
    const thinking = connect(forgetful, { fetch: recording }).chat.completions;
    const tools = [tool("measure_layer", "depth"), tool("name_rock", "sample")];
    const request = { model: "replay.reasoning-agent", reasoning_effort: "medium", tools };
    const ask = {
      whole: async (messages) => (await thinking.create({ ...request, messages })).choices[0].message,
      streamed: (messages) => thinking.stream({ ...request, messages }).finalMessage(),
    };
    for (const turn of [ask.whole, ask.streamed]) {
      const messages = [...QUESTION];
      for (let turns = 0; turns < 20; turns++) {
        const message = await turn(messages);
        messages.push(message);
        for (const { id } of message.tool_calls) messages.push({ role: "tool", tool_call_id: id, content: "Yes." });
      }
      assert.match((await turn(messages)).content, /^The outcrop begins with gneiss/);
    }
    assert.deepEqual(adjusted, Array(42).fill(null));
  } finally {
    await forgetful.stop();
  }
});

test("a loop that the SDK runs by itself, streamed", unless, async () => {
  const made = [];
  const runnable = ({ type, function: definition }, answer) => ({
    type,
    function: {
      ...definition,
      parse: JSON.parse,
      function: (input) => {
        made.push([definition.name, input]);
        return answer;
      },
    },
  });
  const runner = client.chat.completions.runTools({
    model: "replay.tool-loop",
    messages: QUESTION,
    stream: true,
    tools: [runnable(tool("search", "thing"), "brass"), runnable(tool("open_box", "key"), "a fossil")],
  });
  assert.equal(await runner.finalContent(), "The brass key opened the box: there is a fossil in it.");
  assert.deepEqual(made, [["search", { thing: "key" }], ["open_box", { key: "brass" }]]);
});

test("parallel calls have indexes, ids and arguments of their own", unless, async () => {
  const calls = [];
  for (const chunk of await streamed("tool-calls-parallel", { tools: [tool("get_weather", "city"), tool("get_time", "city")] })) {
    for (const delta of chunk.choices[0].delta.tool_calls ?? []) {
      const call = (calls[delta.index] ??= { id: delta.id, name: delta.function.name, input: "" });
      call.input += delta.function.arguments ?? "";
    }
  }
  assert.equal(new Set(calls.map((call) => call.id)).size, 2);
  assert.deepEqual(
    calls.map((call) => [call.name, JSON.parse(call.input)]),
    [["get_weather", { city: "Lisbon" }], ["get_time", { city: "Oslo" }]],
  );
});

test("a call without arguments is an empty object", unless, async () => {
  const request = { tools: [tool("list_sensors")] };
  const whole = (await ask("tool-call-without-arguments", request)).choices[0].message.tool_calls;
  assert.deepEqual(whole.map((call) => call.function.arguments), ["{}"]);
  const helper = client.chat.completions.stream({ model: "replay.tool-call-without-arguments", messages: QUESTION, ...request });
  const streamed = (await helper.finalMessage()).tool_calls;
  assert.deepEqual(streamed.map((call) => call.function.arguments), ["{}"]);
});

test("the deprecated functions", unless, async () => {
  const functions = [tool("search", "thing").function];
  const { message, finish_reason } = (await ask("tool-loop", { functions })).choices[0];
  assert.equal(finish_reason, "function_call");
  assert.deepEqual([message.function_call.name, JSON.parse(message.function_call.arguments)], ["search", { thing: "key" }]);
  const messages = [...QUESTION, message, { role: "function", name: "search", content: "brass" }];
  const next = (await ask("tool-loop", { functions, messages })).choices[0].message;
  assert.equal(next.function_call.name, "open_box");
});

for (const stream of [false, true]) {
  for (const [what, name, type, expected] of [
    ["a member that cannot be honoured", "short-text", "BadRequestError", { status: 400, param: "n" }],
    ["a prompt that is too long", "error-context-length", "BadRequestError", { status: 400, code: "context_length_exceeded" }],
    ["a model that is not there", "no-such-recording", "NotFoundError", { status: 404, code: "model_not_found" }],
    ["throttling", "throttled", "RateLimitError", { status: 429, code: "rate_limit_exceeded" }],
    ["throttling in the first message", "throttled-in-first-message", "RateLimitError", { status: 429 }],
    ["a failure of Bedrock's", "error-internal-server", "InternalServerError", { status: 500 }],
    ["an overloaded Bedrock", "error-service-unavailable", "InternalServerError", { status: 503, code: "overloaded" }],
  ]) {
    test(`${what} is a ${type}${stream ? ", streaming" : ""}`, unless, async () => {
      await assert.rejects(ask(name, { stream, ...(expected.param && { n: 9 }) }), (error) => {
        assert.ok(error instanceof OpenAI[type], String(error));
        for (const [member, value] of Object.entries(expected)) assert.equal(error[member], value, member);
        assert.match(error.requestID, /^req_/);
        return true;
      });
    });
  }
}

test("a wrong key is an AuthenticationError, a right one is taken", unless, async () => {
  const locked = await Gateway.start(0, { OUTCROP_API_KEY: "sk-right" });
  try {
    const wrong = ask("short-text", {}, connect(locked, { apiKey: "sk-wrong" }));
    await assert.rejects(wrong, (error) => error instanceof OpenAI.AuthenticationError && error.code === "invalid_api_key");
    const right = await ask("short-text", {}, connect(locked, { apiKey: "sk-right" }));
    assert.equal(right.choices[0].message.content, OUTCROP);
  } finally {
    await locked.stop();
  }
});

for (const [name, code] of [
  ["exception-in-mid-stream", "model_error"],
  ["exception-unavailable-in-mid-stream", "overloaded"],
  ["connection-reset", "upstream_stream_error"],
  ["connection-truncated", "upstream_stream_error"],
  ["ended-before-message-stop", "upstream_stream_error"],
]) {
  test(`${name} is raised after what came before it`, unless, async () => {
    const chunks = [];
    const read = async () => {
      for await (const chunk of await ask(name, { stream: true })) chunks.push(chunk);
    };
    await assert.rejects(read(), (error) => {
      assert.ok(error instanceof OpenAI.APIError, String(error));
      assert.equal(error.status, undefined, "a status would mean that the answer had not begun");
      assert.equal(error.code, code);
      return true;
    });
    assert.notEqual(textOf(chunks), "");
    assert.ok(chunks.every((chunk) => chunk.choices[0].finish_reason === null));
  });
}

test("the request id is surfaced", unless, async () => {
  assert.match((await ask("short-text"))._request_id, /^req_/);
});

test("a client that leaves stops its stream", unless, async () => {
  const slow = await Gateway.start(1);
  try {
    const stream = await ask("long-text", { stream: true }, connect(slow));
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      assert.equal(await slow.metric("outcrop_open_streams"), 1);
      break;
    }
    stream.controller.abort();
    await slow.waitFor(/outcrop::access.*error="?client_left/);
    await slow.waitForMetric("outcrop_open_streams", 0);
  } finally {
    await slow.stop();
  }
});
