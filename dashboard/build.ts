import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { build } from "vite";
import { FILES } from "./built/files.mjs";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const BUILT = fileURLToPath(new URL("built/files.mjs", import.meta.url));

/** Builds the dashboard: the text of each file by its name. The same sources give the same texts. */
export async function buildDashboard(): Promise<Record<string, string>> {
  // Of a test it says otherwise, and the libraries would be those for development.
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  try {
    return await run();
  } finally {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  }
}

async function run(): Promise<Record<string, string>> {
  const built = await build({
    root: ROOT,
    configFile: false,
    logLevel: "error",
    mode: "production",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      write: false,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: false,
      rolldownOptions: {
        input: fileURLToPath(new URL("main.tsx", import.meta.url)),
        output: { entryFileNames: "app.js", chunkFileNames: "[name]-[hash].js", assetFileNames: "app[extname]" },
      },
    },
  });
  if (Array.isArray(built) || !("output" in built)) throw new Error("vite has built something else");
  const files: Record<string, string> = { "icon.svg": readFileSync(new URL("icon.svg", import.meta.url), "utf8") };
  for (const file of built.output) {
    files[file.fileName] = file.type === "chunk" ? file.code : textOf(file.source);
  }
  return files;
}

/** The texts of the files that are committed, as they are served. */
export function committedFiles(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(FILES).map(([name, { gzip }]) => [name, gunzipSync(Buffer.from(gzip, "base64")).toString()]),
  );
}

function moduleOf(files: Record<string, string>): string {
  const entries = Object.entries(files).map(([name, text]) => {
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
    return `  ${JSON.stringify(name)}: {\n    hash: "${hash}",\n    gzip: "${gzipSync(text, { level: 9 }).toString("base64")}",\n  },\n`;
  });
  return `// Written by npm run build:dashboard from the sources in dashboard.\nexport const FILES = {\n${entries.join("")}};\n`;
}

function textOf(source: string | Uint8Array): string {
  return typeof source === "string" ? source : new TextDecoder().decode(source);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = await buildDashboard();
  writeFileSync(BUILT, moduleOf(files));
  for (const [name, text] of Object.entries(files)) {
    console.log(`${name}  ${text.length} characters, ${gzipSync(text, { level: 9 }).length} bytes compressed`);
  }
}
