// OpenClaw, configured by `outcrop openclaw`, through `outcrop serve --replay`: an agent's turn with a call.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Gateway, fixtures } from "../node/gateway.js";
import { KEY, configurationFor, openclaw, skip } from "./openclaw.js";

const MODEL = "replay.openclaw-read-note";
const ANSWER = "The note is about granite, a coarse-grained rock.";
// Nobody could answer with it but who has read the file.
const note = `granite ${randomUUID()}`;

let folder, key, configuration, gateway;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(path.join(tmpdir(), "outcrop-openclaw-"));
  key = randomUUID();
  gateway = await Gateway.start(0, { OUTCROP_API_KEY: key }, ["--record", path.join(folder, "recordings")]);
  configuration = path.join(folder, "openclaw.json5");
  await writeFile(configuration, await configurationFor(gateway.baseURL));
  await mkdir(path.join(folder, "workspace"));
  await writeFile(path.join(folder, "workspace", "note.txt"), note);
});
after(async () => {
  await gateway?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

// The lines of a recording.
async function lines(...file) {
  const text = await readFile(path.join(...file), "utf8");
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

// What Bedrock was asked, in order.
async function requests() {
  const recordings = path.join(folder, "recordings");
  const files = (await readdir(recordings)).filter((name) => name.endsWith(".jsonl"));
  const exchanges = await Promise.all(files.map((file) => lines(recordings, file)));
  return exchanges.map(([{ request }]) => request).sort((one, other) => one.messages.length - other.messages.length);
}

// The signature under what the model thought, as it was recorded.
async function signature() {
  const events = await lines(fixtures, "streams", "openclaw-read-note.jsonl");
  return events.map(({ payload }) => payload?.delta?.reasoningContent?.signature).find(Boolean);
}

function blocks(request, kind) {
  return request.messages.flatMap(({ content }) => content.map((block) => block[kind]).filter(Boolean));
}

test("a turn that reads a file", { skip }, async () => {
  const where = ["--config", configuration, "--cwd", path.join(folder, "workspace")];
  const how = ["--model", `outcrop/${MODEL}`, "--thinking", "medium", "--timeout", "90", "--json"];
  const question = "Read note.txt and tell me what it is about.";
  const run = await openclaw(folder, { [KEY]: key }, "agent", "exec", question, ...where, ...how);
  assert.equal(run.final, ANSWER);
  assert.equal(run.model, MODEL);
  assert.deepEqual(run.toolSummary, { calls: 1, tools: ["read"], failures: 0 });
  // Counted by the gateway, and priced by the configuration.
  assert.equal(run.usage.output, 100);
  assert.ok(run.costUsd > 0);

  // Every recording is on the disk once the gateway has ended.
  await gateway.stop();
  gateway = undefined;
  const [first, second, ...more] = await requests();
  assert.deepEqual(more, []);
  assert.equal(first.additionalModelRequestFields.thinking.type, "enabled");
  assert.deepEqual(blocks(first, "toolResult"), []);
  const [result] = blocks(second, "toolResult");
  assert.deepEqual(result.content, [{ text: note }]);
  // OpenClaw keeps no signature, and Bedrock takes no thoughts without the one that Claude gave.
  const [thought] = blocks(second, "reasoningContent");
  assert.equal(thought.reasoningText.signature, await signature());
});

test("the models of the configuration", { skip }, async () => {
  const variables = { [KEY]: key, OPENCLAW_CONFIG_PATH: configuration };
  const { models } = await openclaw(folder, variables, "models", "list", "--json");
  const listed = new Map(models.map((model) => [model.key, model]));
  const replayed = listed.get(`outcrop/${MODEL}`);
  assert.equal(replayed.available, true);
  assert.equal(replayed.input, "text+image");
  assert.equal(replayed.contextWindow, 200_000);
  // Ids with colons and points are ids like all others.
  assert.ok([...listed.keys()].some((id) => /^outcrop\/anthropic\.claude-haiku-4-5-.*:0$/.test(id)));
});

test("what the README adds to the configuration", { skip }, async () => {
  const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
  const additions = [...readme.matchAll(/^```json5\n(.*?)^```$/gms)].map(([, text]) => text);
  assert.ok(additions.length > 0);
  for (const [index, text] of additions.entries()) {
    const file = path.join(folder, `addition-${index}.json5`);
    await writeFile(file, text);
    const variables = { [KEY]: key, OPENCLAW_CONFIG_PATH: file };
    const { valid } = await openclaw(folder, variables, "config", "validate", "--json");
    assert.ok(valid, text);
  }
});
