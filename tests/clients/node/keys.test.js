// What the official openai package for Node makes of managed keys: what it repeats, what it does not, and what it is told.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { Gateway, binary } from "./gateway.js";
import { OpenAI, skip } from "./sdk.js";

const question = { model: "replay.short-text", messages: [{ role: "user", content: "What is an outcrop?" }] };
const unless = { skip };

let folder, store, gateway;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(path.join(tmpdir(), "outcrop-keys-"));
  store = `sqlite:${path.join(folder, "outcrop.db")}`;
  await keys("create", "--name", "first");
  gateway = await Gateway.start(0, { OUTCROP_KEYS_STORE: store, OUTCROP_KEYS_EXPOSE_COST: "true" });
});
after(async () => {
  await gateway?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function keys(...command) {
  const options = { env: { PATH: process.env.PATH }, timeout: 30_000 };
  const { stdout } = await promisify(execFile)(binary, ["keys", ...command, "--store", store], options);
  return stdout.trim();
}

// A client with a new key, once the gateway knows that key, and what came of each of its requests.
async function clientWith(name, limits, maxRetries = 0) {
  const requests = [];
  const apiKey = await keys("create", "--name", name, ...limits);
  const noting = async (url, init) => {
    const begun = performance.now();
    const answer = await fetch(url, init);
    const wait = Number(answer.headers.get("retry-after")) * 1000;
    requests.push({ begun, ended: performance.now(), status: answer.status, wait });
    return answer;
  };
  const client = new OpenAI({ baseURL: gateway.baseURL, apiKey, maxRetries, fetch: noting });
  while (!(await knows(apiKey)));
  return Object.assign(client, { requests });
}

// Whether the gateway knows a key yet. No limit counts a request for a model that is not there.
async function knows(apiKey) {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const body = JSON.stringify({ ...question, model: "" });
  const answer = await fetch(`${gateway.baseURL}/chat/completions`, { method: "POST", headers, body });
  await answer.text();
  return answer.status !== 401;
}

async function drain(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

for (const stream of [false, true]) {
  test(`a rate limit is waited for: stream ${stream}`, unless, async () => {
    const client = await clientWith(`patient-${stream}`, ["--rpm", "30"], 3);
    const { requests } = client;
    // What comes back by itself may do for one request more.
    while (requests.at(-1)?.status !== 200 || requests.at(-2)?.status !== 429) {
      const answer = await client.chat.completions.create({ ...question, stream });
      if (stream) assert.ok((await drain(answer)).length > 1);
      else assert.ok(answer.choices[0].message.content);
    }
    const [refused, repeated] = requests.slice(-2);
    assert.ok(refused.wait > 0);
    // Timers of Node may be a millisecond early.
    assert.ok(repeated.begun - refused.ended >= refused.wait - 2);
  });

  test(`a spent budget is not asked for again: stream ${stream}`, unless, async () => {
    const client = await clientWith(`poor-${stream}`, ["--budget", "0.000001", "--per", "month"], 3);
    const expected = { status: 429, code: "insufficient_quota", type: "insufficient_quota" };
    await assert.rejects(client.chat.completions.create({ ...question, stream }), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.deepEqual({ status: error.status, code: error.code, type: error.type }, expected);
      assert.equal(error.headers.get("retry-after"), null);
      return true;
    });
    assert.equal(client.requests.length, 1);
  });

  test(`a key that nobody knows: stream ${stream}`, unless, async () => {
    const client = new OpenAI({ baseURL: gateway.baseURL, apiKey: "sk-outcrop-no", maxRetries: 3 });
    await assert.rejects(client.chat.completions.create({ ...question, stream }), OpenAI.AuthenticationError);
  });

  test(`a model that the key may not use: stream ${stream}`, unless, async () => {
    const client = await clientWith(`narrow-${stream}`, ["--models", "replay.long-*"], 3);
    const refused = client.chat.completions.create({ ...question, stream });
    await assert.rejects(refused, (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
    assert.equal(client.requests.length, 1);
  });
}

test("an answer says how the limits stand and what it cost", unless, async () => {
  const client = await clientWith("told", ["--rpm", "100", "--tpm", "100000"]);
  const { data, response } = await client.chat.completions.create(question).withResponse();
  assert.equal(response.headers.get("x-ratelimit-limit-requests"), "100");
  assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "99");
  assert.match(response.headers.get("x-ratelimit-reset-tokens"), /^\d+(\.\d)?s$/);
  assert.ok(data.usage.cost > 0);
  assert.equal(Number(response.headers.get("x-outcrop-cost")), data.usage.cost);
  const chunks = await drain(
    await client.chat.completions.create({ ...question, stream: true, stream_options: { include_usage: true } }),
  );
  assert.equal(chunks.at(-1).usage.cost, data.usage.cost);
});
