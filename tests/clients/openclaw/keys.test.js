// OpenClaw with a managed key: a turn within the key's limits, and what it is told of the cost.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Gateway } from "../node/gateway.js";
import { KEY, configurationFor, openclaw, outcrop, skip } from "./openclaw.js";

const MODEL = "replay.openclaw-read-note";
const LIMITS = ["--rpm", "60", "--tpm", "1000000", "--concurrency", "2", "--budget", "5", "--per", "month"];
// No other price leads to the same cost: what OpenClaw tells is what the gateway told it.
const PRICES = `[[prices]]\nmodel = "${MODEL}"\ninput = 77.0\noutput = 777.0\n`;

let folder, store, gateway;

before(async () => {
  if (skip) return;
  folder = await mkdtemp(path.join(tmpdir(), "outcrop-openclaw-keys-"));
  store = `sqlite:${path.join(folder, "outcrop.db")}`;
  await mkdir(path.join(folder, "workspace"));
  await writeFile(path.join(folder, "workspace", "note.txt"), "granite");
  await writeFile(path.join(folder, "prices.toml"), PRICES);
});
after(async () => {
  await gateway?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function turn(key) {
  const configuration = path.join(folder, "openclaw.json5");
  await writeFile(configuration, await configurationFor(gateway.baseURL));
  const where = ["--config", configuration, "--cwd", path.join(folder, "workspace")];
  const how = ["--model", `outcrop/${MODEL}`, "--timeout", "90", "--json"];
  return openclaw(folder, { [KEY]: key }, "agent", "exec", "Read note.txt and tell me what it is about.", ...where, ...how);
}

test("a turn with a key that has limits and a budget", { skip }, async () => {
  const key = (await outcrop("keys", "create", "--name", "agent", ...LIMITS, "--store", store)).trim();
  const variables = {
    OUTCROP_KEYS_STORE: store,
    OUTCROP_KEYS_EXPOSE_COST: "true",
    OUTCROP_PRICES_FILE: path.join(folder, "prices.toml"),
  };
  gateway = await Gateway.start(0, variables);
  const run = await turn(key);
  assert.deepEqual(run.toolSummary, { calls: 1, tools: ["read"], failures: 0 });
  await gateway.stop();
  gateway = undefined;
  const { total } = JSON.parse(await outcrop("keys", "usage", "--by", "key", "--json", "--store", store));
  assert.deepEqual({ requests: total.requests, estimated: total.estimated_requests }, { requests: 2, estimated: 0 });
  assert.deepEqual([run.usage.input, run.usage.output], [total.input_tokens, total.output_tokens]);
  assert.equal(run.usage.cost.totalOrigin, "provider-billed");
  assert.ok(run.costUsd > 0);
  assert.equal(run.costUsd, total.cost_usd);
});
