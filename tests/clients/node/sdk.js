// The official openai package, or why the tests cannot run here; in CI they have to.

const NEEDED = 22;

export const { skip, OpenAI, parser } = await load();

async function load() {
  try {
    if (Number(process.versions.node.split(".")[0]) < NEEDED) throw new Error(`Node ${process.version} is too old`);
    return { skip: false, OpenAI: (await import("openai")).default, parser: await import("openai/lib/parser") };
  } catch (error) {
    const reason = `the openai package needs Node ${NEEDED} and \`npm ci\`: ${error.message}`;
    if (process.env.CI === "true") throw new Error(reason);
    return { skip: reason };
  }
}
