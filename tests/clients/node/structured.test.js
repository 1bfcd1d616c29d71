// Answers in a given form, with the parsing helpers of the official openai package for Node.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Gateway } from "./gateway.js";
import { OpenAI, parser, skip } from "./sdk.js";

const QUESTION = [{ role: "user", content: "Ada and Grace go on a field trip on the 2nd of May 2026." }];
const EVENT = { name: "Field trip", date: "2026-05-02", participants: ["Ada", "Grace"] };
const unless = { skip };

let gateway, client;

before(async () => {
  if (skip) return;
  gateway = await Gateway.start(0);
  client = new OpenAI({ baseURL: gateway.baseURL, apiKey: "unused", maxRetries: 0 });
});
after(async () => gateway?.stop());

// What zodResponseFormat makes, without zod: a schema, and a parser that insists on it.
function format() {
  const string = { type: "string" };
  const properties = { name: string, date: string, participants: { type: "array", items: string } };
  const schema = { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
  const json_schema = { name: "calendar_event", strict: true, schema };
  return parser.makeParseableResponseFormat({ type: "json_schema", json_schema }, (content) => {
    const value = JSON.parse(content);
    assert.deepEqual(Object.keys(value), schema.required);
    return value;
  });
}

for (const [name, adjusted] of [
  ["structured-native", null],
  ["structured-tool", "response_format=tool"],
  ["structured-tool-copied", "response_format=tool"],
  ["structured-fenced", "response_format=instruction"],
]) {
  test(`${name} is parsed`, unless, async () => {
    const request = { model: `replay.${name}`, messages: QUESTION, response_format: format() };
    const [{ message, finish_reason }] = (await client.chat.completions.parse(request)).choices;
    assert.deepEqual(message.parsed, EVENT);
    assert.equal(finish_reason, "stop");
    assert.equal(message.refusal, null);
    const { response } = await client.chat.completions.create(request).withResponse();
    assert.equal(response.headers.get("x-outcrop-adjusted"), adjusted);
  });

  test(`${name} is parsed from a stream`, unless, async () => {
    const stream = client.chat.completions.stream({
      model: `replay.${name}`,
      messages: QUESTION,
      response_format: format(),
    });
    const partial = [];
    stream.on("content.delta", ({ parsed }) => partial.push(parsed));
    const [{ message, finish_reason }] = (await stream.finalChatCompletion()).choices;
    assert.deepEqual(message.parsed, EVENT);
    assert.equal(finish_reason, "stop");
    assert.ok(partial.length > 5, "it comes in pieces");
    assert.ok(partial.some((value) => value?.name === EVENT.name && !value.participants), "which are JSON from the first");
  });
}

test("a loop that the SDK runs by itself ends with the answer in its form", unless, async () => {
  const made = [];
  const runner = client.chat.completions.runTools({
    model: "replay.structured-tool-loop",
    messages: QUESTION,
    response_format: format(),
    stream: true,
    tools: [
      {
        type: "function",
        function: {
          name: "find_people",
          parameters: { type: "object", properties: { group: { type: "string" } } },
          parse: JSON.parse,
          function: ({ group }) => {
            made.push(group);
            return "Ada, Grace";
          },
        },
      },
    ],
  });
  assert.deepEqual(JSON.parse(await runner.finalContent()), EVENT);
  assert.deepEqual(made, ["trip"]);
});
