import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { relayOf } from "../../support/processes.ts";
import type { Server } from "../../support/server.ts";

/** A place for data that can be made full, and have room again. */
export interface SmallDisk {
  readonly how: string;
  readonly directory: string;
  fill(server: Server): void;
  free(server: Server): void;
  remove(): Promise<void>;
}

const SIZE = "48m";

/** A small filesystem where this process may mount one; else a limit on the size of the relay's files; else a reason. */
export async function smallDisk(): Promise<SmallDisk | string> {
  if (process.platform !== "linux") return "needs Linux";
  const directory = await mkdtemp(join(tmpdir(), "nexus-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", directory], { stdio: "pipe" });
    return mounted(directory);
  } catch {
    await rm(directory, { recursive: true });
  }
  try {
    execFileSync("prlimit", ["--version"], { stdio: "pipe" });
  } catch {
    return "this process may not mount a filesystem, and there is no prlimit";
  }
  return limited(await mkdtemp(join(tmpdir(), "nexus-disk-")));
}

function mounted(directory: string): SmallDisk {
  const filler = join(directory, "filler");
  return {
    how: `tmpfs of ${SIZE}`,
    directory,
    fill() {
      const file = openSync(filler, "a");
      try {
        for (const block = Buffer.alloc(4096); ; ) writeSync(file, block);
      } catch {
        // Full.
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
    async remove() {
      execFileSync("umount", [directory]);
      await rm(directory, { recursive: true });
    },
  };
}

/** Files may not grow any further: writes beyond fail as on a full disk, or with EFBIG. */
function limited(directory: string): SmallDisk {
  const limit = (server: Server, bytes: string) => {
    execFileSync("prlimit", ["--pid", String(relayOf(server.pid())), `--fsize=${bytes}:`]);
  };
  return {
    how: "limit on the size of files",
    directory,
    fill: (server) => limit(server, "4096"),
    free: (server) => limit(server, "unlimited"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
