import { existsSync, renameSync, rmSync } from "node:fs";
import { SCHEMA_VERSION, schemaOf } from "../../store/schema.ts";
import type { Sql } from "../../store/sql.ts";

/**
 * Before the database at `path` is brought to a newer schema, keeps a copy as it is: `<path>.schema-<n>`. One that is there
 * stays, since a migration may have been interrupted. Returns its path if it was made. Throws what SQLite throws.
 */
export function copyBeforeMigration(sql: Sql, path: string): string | undefined {
  const schema = schemaOf(sql);
  const copy = `${path}.schema-${schema}`;
  if (schema === 0 || schema >= SCHEMA_VERSION || existsSync(copy)) return undefined;
  const part = `${copy}.part`;
  rmSync(part, { force: true });
  sql.all("VACUUM INTO ?1", part);
  renameSync(part, copy);
  return copy;
}
