// OpenClaw as a child process, with a home of its own, or why it cannot run here; in CI it has to.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { binary, fixtures } from "../node/gateway.js";

const entry = fileURLToPath(new URL("node_modules/openclaw/openclaw.mjs", import.meta.url));
// OpenClaw's own demand.
const NEEDED = [24, 16];
// How long a command may take, in milliseconds; one takes some ten seconds on an idle machine.
const patience = 180_000;

export const skip = missing();
// The variable that OpenClaw takes its key from.
export const KEY = "OUTCROP_CLIENT_KEY";

function missing() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const recent = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  if (recent && existsSync(entry)) return false;
  const found = recent ? "it is not installed" : `this is Node ${process.versions.node}`;
  const reason = `OpenClaw needs \`npm ci --ignore-scripts\` and Node ${NEEDED.join(".")}: ${found}`;
  if (process.env.CI === "true") throw new Error(reason);
  return reason;
}

// Runs a command to its end, with `folder` as its home and nothing of this machine's set-up, and gives the JSON it prints.
export async function openclaw(folder, variables, ...command) {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: folder,
    // It tells nobody that it runs, and looks for no newer version.
    CI: "1",
    DO_NOT_TRACK: "1",
    OPENCLAW_NO_AUTO_UPDATE: "1",
    ...variables,
  };
  // A group of its own, so that whatever it starts ends with it.
  const options = { env, detached: true, stdio: ["ignore", "pipe", "pipe"] };
  const child = spawn(process.execPath, [entry, ...command], options);
  const deadline = setTimeout(() => end(child.pid), patience);
  const [output, log, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  clearTimeout(deadline);
  end(child.pid);
  assert.equal(code, 0, `openclaw ${command[0]} ended with ${code}:\n${output}\n${log}`);
  return JSON.parse(output);
}

// The configuration that `outcrop openclaw` prints for a gateway.
export async function configurationFor(baseURL) {
  return outcrop("openclaw", "--replay", fixtures, "--base-url", baseURL, "--key-env", KEY);
}

// What a command of ours prints.
export async function outcrop(...command) {
  const { stdout } = await promisify(execFile)(binary, command, { env: { PATH: process.env.PATH }, timeout: 30_000 });
  return stdout;
}

// Ends a process group, if there is still anybody in it.
function end(group) {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
