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

/** The workerd processes that `pid` has started, itself or through its children. */
export function workerdsOf(pid: number): number[] {
  const all = list();
  const found: Process[] = [];
  const visit = (parent: number): void => {
    for (const process of all.filter((candidate) => candidate.parent === parent)) {
      found.push(process);
      visit(process.pid);
    }
  };
  visit(pid);
  // npm's shell is given the words "workerd" too, so only the program's own name counts.
  return found
    .filter(({ command }) => /(^|\/)workerd( |$)/.test(command.split(" serve ")[0] ?? ""))
    .map(({ pid }) => pid);
}

/** Whether a process runs; one that has ended and waits for its parent to notice does not. */
export function isAlive(pid: number): boolean {
  return list().some((process) => process.pid === pid && !process.state.startsWith("Z"));
}
