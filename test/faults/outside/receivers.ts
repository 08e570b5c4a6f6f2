import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { key } from "../../support/keys.ts";
import { connectTraffic, type TrafficClient, tcpOf, tear } from "../../support/load/traffic-client.ts";
import { ROOT, type Server } from "../../support/server.ts";

/** A subscriber whose TCP socket can be paused and torn off. */
export interface Receiver {
  client: TrafficClient;
  /** Begins of what it has received. */
  heads: string[];
  closed?: { code: number; reason: string };
  pause(): void;
  resume(): void;
  /** Ends the TCP connection without a Close frame, right after a `ping` if told. */
  tear(afterPing?: boolean): void;
}

/** Logs in and opens a subscription with each of the filters. */
export async function receiver(url: string, n: number, ...filters: object[]): Promise<Receiver> {
  const client = await connectTraffic(url, key(2000 + n));
  const tcp = tcpOf(client);
  const made: Receiver = {
    client,
    heads: [],
    pause: () => void tcp.pause(),
    resume: () => void tcp.resume(),
    tear: (afterPing = false) => tear(client, { afterPing }),
  };
  client.socket.on("error", () => {});
  client.socket.on("message", (data) => void made.heads.push(String(data).slice(0, 80)));
  client.socket.on("close", (code, reason) => {
    made.closed = { code, reason: String(reason) };
  });
  for (const [i, filter] of filters.entries()) {
    client.socket.send(JSON.stringify(["REQ", `r${i}`, filter]));
    await client.awaits("EOSE", `r${i}`);
  }
  return made;
}

/** Subscribers in a process of their own, to be stopped or killed. */
export async function hearers(server: Server, connections: number, tag: string): Promise<ChildProcess> {
  const words = ["test/faults/outside/hearer.ts", server.url, String(connections), tag];
  const child = spawn(process.execPath, words, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  if (line !== "ready") throw new Error(`hearers said ${line}`);
  return child;
}

/** Memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

export async function statistics(server: Server): Promise<{ connections: number; subscriptions: number }> {
  return (await (await fetch(`${server.httpUrl}/api/stats`)).json()) as { connections: number; subscriptions: number };
}

export function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
}
