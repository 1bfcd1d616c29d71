// Models, listed and retrieved with the official openai package for Node; and what is printed for OpenClaw, as JavaScript reads it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import vm from "node:vm";

import { Gateway, binary, fixtures } from "./gateway.js";
import { OpenAI, skip } from "./sdk.js";

const ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34ef56";
const ALIASES = `
[[models]]
id = "team/claude:latest"
targets = ["us.anthropic.claude-sonnet-4-5-20250929-v1:0"]

[[models]]
id = "${ARN}"
base_model = "amazon.nova-pro-v1:0"
`;

const unless = { skip };

let folder, gateway, client;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(path.join(tmpdir(), "outcrop-models-"));
  const file = path.join(folder, "outcrop.toml");
  await writeFile(file, ALIASES);
  gateway = await Gateway.start(0, { OUTCROP_CONFIG: file });
  client = new OpenAI({ baseURL: gateway.baseURL, apiKey: "unused", maxRetries: 0 });
});
after(async () => {
  await gateway?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("all models", unless, async () => {
  const models = await Array.fromAsync(client.models.list());
  assert.deepEqual(models.slice(0, 2).map(({ id }) => id), ["team/claude:latest", ARN]);
  const model = models.find(({ id }) => id === "replay.short-text");
  assert.equal(model.object, "model");
  assert.equal(model.owned_by, "anthropic");
  assert.ok(Number.isInteger(model.created));
  assert.equal(model.context_window, 200_000);
  assert.deepEqual(model.input_modalities, ["text", "image", "file"]);
});

for (const id of ["replay.short-text", "amazon.nova-lite-v1:0", "team/claude:latest", ARN]) {
  test(`the model ${id}`, unless, async () => {
    assert.equal((await client.models.retrieve(id)).id, id);
    for (const written of [id, encodeURIComponent(id)]) {
      assert.equal((await client.get(`/models/${written}`)).id, id);
    }
  });
}

test("a model that is not listed", unless, async () => {
  await assert.rejects(client.models.retrieve("a/b:c"), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.equal(error.param, "model");
    return true;
  });
});

// JSON5 is a part of JavaScript.
test("OpenClaw's configuration", async () => {
  const printed = async (...options) => {
    const command = ["openclaw", "--replay", fixtures, ...options];
    return (await promisify(execFile)(binary, command, { env: {}, timeout: 30_000 })).stdout;
  };
  const configuration = vm.runInNewContext(`(${await printed()})`);
  // An object of another context has another prototype.
  assert.deepEqual(JSON.parse(JSON.stringify(configuration)), JSON.parse(await printed("--json")));
});
