import { describe, expect, test } from "vitest";
import { freshRelay } from "../../support/relay.ts";

const relay = freshRelay({ RELAY_NAME: `<"Relay" & 'friends'>`, RELAY_DESCRIPTION: "<b>For us</b>" });

async function page(path: string): Promise<{ response: Response; html: string }> {
  const response = await relay.fetch(path, { headers: { Accept: "text/html" } });
  return { response, html: await response.text() };
}

/** The assets that a page names. */
function assetsOf(html: string): string[] {
  return [...html.matchAll(/"([^"]*\/assets\/[^"]+)"/g)].map(([, path]) => path ?? "");
}

const PAGES = ["/", "/admin", "/admin/members", "/invite/0123abcd", "/claim", "/explore"];

describe.each(PAGES)("R-08-12 the page %s", (path) => {
  test("runs the script of the relay and no other", async () => {
    const { response, html } = await page(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' /);
    expect(policy).not.toMatch(/unsafe|\s\*/);
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(response.headers.get("Referrer-Policy")).toBe("no-referrer");
    expect(response.headers.get("Cache-Control")).toBe("no-cache");
    // Nothing of it is inline.
    expect(html).not.toMatch(/<style|\son\w+=|\sstyle=|<script(?![^>]* src=)/);
    expect(html).toContain("&#60;&#34;Relay&#34; &#38; &#39;friends&#39;&#62;");
    expect(assetsOf(html)).toHaveLength(3);
  });
});

test("R-08-01 without a script the page says name, description, address and who may use the relay", async () => {
  const { html } = await page("/");
  expect(html).toContain("&#60;b&#62;For us&#60;/b&#62;");
  expect(html).toContain("Who may read: every key that logs in. Who may publish: every key that logs in.");
  expect(html).toContain("wss://nexus.openagents.com");
});

test("R-08-13 what a page loads is kept for ever, compressed where the browser takes that", async () => {
  const { html } = await page("/");
  for (const path of assetsOf(html)) {
    const packed = await relay.fetch(path, { headers: { "Accept-Encoding": "br, gzip" } });
    expect(packed.status).toBe(200);
    expect(packed.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    expect(packed.headers.get("Content-Encoding")).toBe("gzip");
    expect(packed.headers.get("Content-Type")).toMatch(/^(text\/javascript|text\/css|image\/svg\+xml)/);
    expect(packed.headers.get("X-Content-Type-Options")).toBe("nosniff");
    const plain = await relay.fetch(path, { headers: { "Accept-Encoding": "gzip;q=0" } });
    expect(plain.headers.get("Content-Encoding")).toBeNull();
    expect(await plain.text()).toBe(await unpacked(packed));
  }
});

test("R-08-13 what the script loads by itself is there too", async () => {
  const [script = ""] = assetsOf((await page("/")).html).filter((path) => path.endsWith(".js"));
  const text = await unpacked(await relay.fetch(script));
  const parts = [...text.matchAll(/import\([`"']\.\/([^`"']+)[`"']\)/g)].map(([, name]) => name);
  expect(parts).toEqual([expect.stringMatching(/^uPlot/)]);
  const response = await relay.fetch(`/assets/${parts[0]}`);
  expect(response.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
  expect(await unpacked(response)).toContain("getContext");
});

test("R-08-13 no other name is a file", async () => {
  for (const path of ["/assets/app.js", "/assets/0000-app.js", "/assets/", "/assets/x/y", "/assets"]) {
    expect((await relay.fetch(path)).status, path).toBe(404);
  }
});

test("R-08-12 a page is only read, and never the NIP-11 document", async () => {
  expect((await relay.fetch("/admin", { method: "POST" })).status).toBe(405);
  const { headers } = await relay.fetch("/admin", { headers: { Accept: "application/nostr+json" } });
  expect(headers.get("Content-Type")).toMatch(/^text\/html/);
});

test("R-08-12 the pages hang below the path of the relay", async () => {
  const below = freshRelay({ RELAY_URL: "wss://nexus.openagents.com/team" });
  const response = await below.fetch("/team/admin");
  expect(response.status).toBe(200);
  const html = await response.text();
  expect(html).toContain('data-base="/team"');
  for (const path of assetsOf(html)) expect((await below.fetch(path)).status).toBe(200);
  expect((await below.fetch("/admin")).status).toBe(404);
});

/** The text of a compressed answer, whether or not the client of the test has unpacked it. */
async function unpacked(response: Response): Promise<string> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isPacked) return new TextDecoder().decode(bytes);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}
