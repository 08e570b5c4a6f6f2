import { execFileSync } from "node:child_process";

interface Process {
  pid: number;
  parent: number;
  state: string;
  command: string;
}

function list(): Process[] {
  const text = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,args="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || parent === undefined || state === undefined || command === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), state, command }];
  });
}

/** The process that is the relay: `pid` itself or one that it has started, itself or through its children. */
export function relayOf(pid: number): number {
  const all = list();
  const tree = all.filter((process) => process.pid === pid);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  const named = (pattern: RegExp) => tree.findLast(({ command }) => pattern.test(command));
  // npm's shell is given the words of the command too, so only the program's own name counts.
  const found = named(/^\S*workerd serve /) ?? named(/^\S*node (\S+ )*\S*cli\/start\.mjs/);
  if (found === undefined) throw new Error(`no relay among ${tree.map(({ command }) => command).join(", ")}`);
  return found.pid;
}

/** Whether a process runs; one that has ended and waits for its parent to notice does not. */
export function isAlive(pid: number): boolean {
  return list().some((process) => process.pid === pid && !process.state.startsWith("Z"));
}
