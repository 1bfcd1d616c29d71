// `outcrop serve --replay` as a child process, and what its log and its metrics say.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import readline from "node:readline";

const root = fileURLToPath(new URL("../../../", import.meta.url));
export const binary = process.env.OUTCROP_BINARY ?? `${root}target/release/outcrop`;
export const fixtures = `${root}fixtures`;
// The longest wait for anything that a test waits for, in milliseconds; far more than any of it takes.
const patience = 30_000;

export class Gateway {
  #child;
  #lines = [];
  #waiting = [];
  #ended = false;

  // Starts a gateway that replays at `speed` and waits until it listens.
  static async start(speed, variables = {}, more = []) {
    assert.ok(existsSync(binary), `${binary} is not there: run cargo build --release first`);
    const gateway = new Gateway();
    const options = ["serve", "--replay", fixtures, "--listen", "127.0.0.1:0", "--speed", String(speed), ...more];
    // Nothing of this machine's set-up may count.
    const env = { PATH: process.env.PATH, ...variables };
    gateway.#child = spawn(binary, options, { env, stdio: ["ignore", "inherit", "pipe"] });
    const reader = readline.createInterface({ input: gateway.#child.stderr });
    reader.on("line", (line) => gateway.#read(line));
    reader.on("close", () => gateway.#read(null));
    [, gateway.address] = await gateway.waitFor(/listening on (http:\/\/\S+)/);
    gateway.baseURL = `${gateway.address}/v1`;
    return gateway;
  }

  // Stops it, and fails if it did not end well.
  async stop() {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [code] = await ended;
    assert.equal(code, 0, "the gateway's exit code");
  }

  // The first line of the log, not yet waited for, that matches.
  async waitFor(pattern) {
    const deadline = AbortSignal.timeout(patience);
    const seen = [];
    for (;;) {
      while (this.#lines.length > 0) {
        const line = this.#lines.shift();
        seen.push(line);
        const match = pattern.exec(line);
        if (match) return match;
      }
      if (this.#ended || deadline.aborted) throw new Error(`no line matches ${pattern}:\n${seen.join("\n")}`);
      await new Promise((resolve) => {
        this.#waiting.push(resolve);
        deadline.addEventListener("abort", resolve, { once: true });
      });
    }
  }

  // The value of a metric without labels.
  async metric(name) {
    const page = await fetch(`${this.address}/metrics`);
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(await page.text())[1]);
  }

  // Asks until a metric has a value. Each question takes its time, so this does not spin.
  async waitForMetric(name, value) {
    const deadline = AbortSignal.timeout(patience);
    while ((await this.metric(name)) !== value) assert.ok(!deadline.aborted, `${name} does not become ${value}`);
  }

  #read(line) {
    if (line === null) this.#ended = true;
    else this.#lines.push(line);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
