import { AccessStore } from "../../src/store/access-store.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { migrate } from "../../src/store/schema.ts";
import type { Sql } from "../../src/store/sql.ts";
import { memorySql } from "./memory-sql.ts";

/** An empty store on a database of its own, in memory. */
export function memoryStore(): { store: EventStore; sql: Sql } {
  const sql = memorySql();
  migrate(sql);
  return { store: new EventStore(sql), sql };
}

/** Empty lists of access on a database of their own, in memory. */
export function memoryLists(): AccessStore {
  const sql = memorySql();
  migrate(sql);
  return new AccessStore(sql);
}
