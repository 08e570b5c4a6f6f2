import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE } from "../../src/hosts/node/main.ts";

/**
 * The keys that have claimed the relay with this data directory, which may run; none where its database cannot be read.
 * Reads only (R-05-85).
 */
export function claimedBy(dataDirectory: string): string[] {
  const path = join(dataDirectory, DATABASE);
  if (!existsSync(path)) return [];
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const rows = database.prepare("SELECT subject FROM access WHERE list = 'operator' ORDER BY subject").all();
      return rows.map(({ subject }) => String(subject));
    } finally {
      database.close();
    }
  } catch {
    return [];
  }
}
