import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RawData, WebSocket } from "ws";
import { alice, signed } from "../support/keys.ts";
import { freePort, ROOT, type Server, startServer, until } from "../support/server.ts";

// deploy/nginx.conf and deploy/Caddyfile as they are, but for ports and the certificate: a client logs in under the public
// name, and cannot say which address it has.

const NAME = "relay.example.com";
const hasNginx = spawnSync("nginx", ["-v"]).status === 0 && spawnSync("openssl", ["version"]).status === 0;
const hasCaddy = spawnSync("caddy", ["version"]).status === 0;
if (!hasNginx) console.warn("deploy/nginx.conf is not tried: there is no nginx here");
if (!hasCaddy) console.warn("deploy/Caddyfile is not tried: there is no caddy here");

const directory = mkdtempSync(join(tmpdir(), "nexus-proxy-"));
const programs: ReturnType<typeof spawn>[] = [];
let server: Server;

beforeAll(async () => {
  server = await startServer({
    RELAY_URL: `wss://${NAME}`,
    CLIENT_IP_HEADER: "X-Real-IP",
    MAX_CONNECTIONS_PER_IP: "1",
  });
});

afterAll(async () => {
  for (const program of programs) {
    const ended = once(program, "exit");
    program.kill();
    await ended;
  }
  await server.stop();
  rmSync(directory, { recursive: true });
});

/** Writes a file of deploy with other words in some places, each of which it must have. */
function adapted(file: string, words: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(ROOT, "deploy", file), "utf8");
  for (const [word, other] of Object.entries(words)) {
    expect(text).toContain(word);
    text = text.replaceAll(word, other);
  }
  const path = join(directory, file);
  writeFileSync(path, text);
  return path;
}

function run(program: string, ...args: string[]): void {
  programs.push(spawn(program, args, { stdio: "ignore", env: { ...process.env, HOME: directory } }));
}

/** Connects through a proxy, with an address of its own invention; resolves to the answer to the login. */
async function logIn(url: string): Promise<unknown[]> {
  const headers = { Host: NAME, "X-Real-IP": `203.0.113.${Math.floor(Math.random() * 250)}` };
  const socket = new WebSocket(url, { rejectUnauthorized: false, headers });
  const answer = await new Promise<unknown[]>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data: RawData) => {
      const message = JSON.parse(String(data)) as unknown[];
      if (message[0] !== "AUTH") return resolve(message);
      const tags = [
        ["relay", `wss://${NAME}`],
        ["challenge", String(message[1])],
      ];
      socket.send(JSON.stringify(["AUTH", signed(alice, { kind: 22242, tags })]));
    });
  });
  // All clients of this machine are one, whatever they say: there is room for one at a time.
  await expect(once(new WebSocket(url, { rejectUnauthorized: false, headers }), "open")).rejects.toThrow("429");
  socket.close();
  await once(socket, "close");
  return answer;
}

const answers = (url: string) =>
  until("the proxy answers", () =>
    fetch(url, { redirect: "manual", headers: { Host: NAME } }).then(
      () => true,
      () => false,
    ),
  );

test.skipIf(!hasNginx)("nginx: TLS, the login under the public name, the address of the client", async () => {
  const [plain, secure] = [await freePort(), await freePort()];
  const [certificate, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", [...request, "-subj", `/CN=${NAME}`, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  const site = adapted("nginx.conf", {
    "listen [::]:80;": "",
    "listen [::]:443 ssl;": "",
    "listen 80;": `listen 127.0.0.1:${plain};`,
    "listen 443 ssl;": `listen 127.0.0.1:${secure} ssl;`,
    "127.0.0.1:8787": `127.0.0.1:${server.port}`,
    [`/etc/letsencrypt/live/${NAME}/fullchain.pem`]: certificate,
    [`/etc/letsencrypt/live/${NAME}/privkey.pem`]: key,
  });
  const main = join(directory, "main.conf");
  writeFileSync(
    main,
    `daemon off; pid ${directory}/pid; error_log stderr; events {} http { access_log off; include ${site}; }`,
  );
  run("nginx", "-c", main);
  await answers(`http://127.0.0.1:${plain}/`);
  expect((await logIn(`wss://127.0.0.1:${secure}`)).slice(0, 3)).toEqual(["OK", expect.any(String), true]);
  // A subscription may be silent for hours.
  expect(readFileSync(site, "utf8")).toMatch(/proxy_read_timeout 1d;/);
});

test.skipIf(!hasCaddy)("Caddy: the login under the public name, the address of the client", async () => {
  execFileSync("caddy", ["validate", "--adapter", "caddyfile", "--config", join(ROOT, "deploy/Caddyfile")], {
    stdio: "ignore",
  });
  const port = await freePort();
  const site = adapted("Caddyfile", {
    [`${NAME} {`]: `http://:${port} {`,
    "127.0.0.1:8787": `127.0.0.1:${server.port}`,
  });
  writeFileSync(site, `{\n\tadmin off\n}\n${readFileSync(site, "utf8")}`);
  run("caddy", "run", "--adapter", "caddyfile", "--config", site);
  await answers(`http://127.0.0.1:${port}/health/live`);
  expect((await logIn(`ws://127.0.0.1:${port}`)).slice(0, 3)).toEqual(["OK", expect.any(String), true]);
});
