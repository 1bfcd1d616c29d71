// Embeddings with the official openai package for Node, which asks for base64 unless it is told otherwise.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Gateway } from "./gateway.js";
import { OpenAI, skip } from "./sdk.js";

const TITAN = "amazon.titan-embed-text-v2:0";
const MODELS = {
  "amazon.titan-embed-text-v1": 1536,
  [TITAN]: 1024,
  "cohere.embed-english-v3": 1024,
  "us.cohere.embed-v4:0": 1536,
  "amazon.nova-2-multimodal-embeddings-v1:0": 3072,
};
const unless = { skip };

let gateway, client;

before(async () => {
  if (skip) return;
  gateway = await Gateway.start(0);
  client = new OpenAI({ baseURL: gateway.baseURL, apiKey: "unused", maxRetries: 0 });
});
after(async () => gateway?.stop());

function embed(model, input, more = {}) {
  return client.embeddings.create({ model, input, ...more });
}

for (const [model, length] of Object.entries(MODELS)) {
  test(`one and many texts: ${model}`, unless, async () => {
    const one = await embed(model, "What is an outcrop?");
    assert.equal(one.data.length, 1);
    assert.equal(one.data[0].embedding.length, length);
    assert.deepEqual(one.usage, { prompt_tokens: 5, total_tokens: 5 });
    const texts = ["a", "b", "What is an outcrop?"];
    const many = await embed(model, texts);
    assert.deepEqual(many.data.map((item) => item.index), [0, 1, 2]);
    assert.deepEqual(many.data[2].embedding, one.data[0].embedding);
  });
}

test("floats are the same numbers", unless, async () => {
  const packed = (await embed(TITAN, "one")).data[0].embedding;
  const plain = (await embed(TITAN, "one", { encoding_format: "float" })).data[0].embedding;
  assert.deepEqual(Array.from(packed), plain.map(Math.fround));
});

test("dimensions", unless, async () => {
  assert.equal((await embed(TITAN, "one", { dimensions: 256 })).data[0].embedding.length, 256);
  await assert.rejects(embed(TITAN, "one", { dimensions: 300 }), { status: 400, param: "dimensions" });
});

test("failures", unless, async () => {
  await assert.rejects(embed(TITAN, [1, 2, 3]), { status: 400, param: "input" });
  await assert.rejects(embed("replay.embedding-throttled", "a"), { status: 429, code: "rate_limit_exceeded" });
  await assert.rejects(embed("replay.short-text", "a"), { status: 400, param: "model" });
  await assert.rejects(embed("text-embedding-3-small", "a"), { status: 404, code: "model_not_found" });
});
