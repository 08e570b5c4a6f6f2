import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Where a command that was interrupted goes on: a file beside the one that it works on, replaced as a whole. */
export class Checkpoint<T extends object> {
  readonly #file: string;

  constructor(target: string) {
    this.#file = `${target}.progress`;
  }

  /** What was written last; undefined if there is nothing, or nothing that can be read. */
  read(): Partial<T> | undefined {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, "utf8"));
      return typeof value === "object" && value !== null ? (value as Partial<T>) : undefined;
    } catch {
      return undefined;
    }
  }

  write(state: T): void {
    const part = `${this.#file}.part`;
    writeFileSync(part, JSON.stringify(state), { mode: 0o600 });
    renameSync(part, this.#file);
  }

  /** The work is done. */
  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
