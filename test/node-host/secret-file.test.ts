import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/server.ts";

const KEY = "1".repeat(64);

let directory: string;

/** What `npm start` makes of its environment. */
async function readSettings(environment: Record<string, string>): Promise<{ variables: Record<string, string> }> {
  const { readSettings } = await import(pathToFileURL(join(ROOT, "cli/settings.mjs")).href);
  return readSettings(environment);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "nexus-secret-"));
});

afterAll(() => rm(directory, { recursive: true }));

async function fileOf(text: string): Promise<string> {
  const path = join(directory, crypto.randomUUID());
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

test("RELAY_SECRET_KEY_FILE: the key is what the file holds, a line's end aside", async () => {
  for (const text of [KEY, `${KEY}\n`, ` ${KEY}\r\n`]) {
    const { variables } = await readSettings({ RELAY_SECRET_KEY_FILE: await fileOf(text) });
    expect(variables.RELAY_SECRET_KEY).toBe(KEY);
  }
});

test("RELAY_SECRET_KEY_FILE: what is wrong with it is told, and nothing of the key", async () => {
  const path = await fileOf(KEY);
  await expect(readSettings({ RELAY_SECRET_KEY_FILE: path, RELAY_SECRET_KEY: KEY })).rejects.toThrow("both set");
  await expect(readSettings({ RELAY_SECRET_KEY_FILE: join(directory, "none") })).rejects.toThrow(
    /cannot be read: ENOENT/,
  );
  for (const text of ["", "nsec1secret", `${KEY}secret`]) {
    const refusal = await readSettings({ RELAY_SECRET_KEY_FILE: await fileOf(text) }).catch(String);
    expect(refusal).toMatch(/RELAY_SECRET_KEY/);
    expect(refusal).not.toMatch(/secret1|1111|nsec/);
  }
});

test("files that hold secrets are kept out of the repository", async () => {
  const ignored = (await readFile(join(ROOT, ".gitignore"), "utf8")).split("\n");
  expect(ignored).toEqual(expect.arrayContaining([".env", ".env.*", ".dev.vars", ".dev.vars.*", "*.key"]));
});
