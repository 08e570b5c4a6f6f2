import type { Sql } from "../../../src/store/sql.ts";

export type Pair = [createdAt: number, id: string];

/** Characters of the content, so that the JSON is as long as that of a common event. */
const RAW_SIZE = 197;

/** Stores events of kind 1 with these times and ids, otherwise empty: enough for a sync, and fast. */
export function putRecords(sql: Sql, pairs: readonly Pair[]): void {
  sql.all(
    `INSERT INTO event SELECT key + 1, unhex(value ->> 1),
       unhex(printf('%014x', 9007199254740991 - (value ->> 0)) || (value ->> 1)), 1, zeroblob(32), NULL, NULL, '{}'
     FROM json_each(?1)`,
    JSON.stringify(pairs),
  );
}

/** Stores `count` events of kind 1 with random ids, `perSecond` of them in each second, by `authors` authors in turn. */
export function putRandom(sql: Sql, count: number, perSecond = 1, authors = 1): void {
  sql.all(
    `INSERT INTO event
       WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1),
       made AS MATERIALIZED (SELECT CAST(i AS INTEGER) AS i, randomblob(32) AS id FROM n)
       SELECT i + 1, id, unhex(printf('%014x', 9007199254740991 - 1600000000 - i / CAST(?2 AS INTEGER)) || hex(id)), 1,
         unhex(printf('%064x', 1 + i % CAST(?3 AS INTEGER))), NULL, NULL,
         printf('{"id":"%s","pubkey":"%064x","created_at":%d,"kind":1,"tags":[],"content":"%.*c"}', lower(hex(id)),
           1 + i % CAST(?3 AS INTEGER), 1600000000 + i / CAST(?2 AS INTEGER), CAST(?4 AS INTEGER), 'x') FROM made`,
    count,
    perSecond,
    authors,
    RAW_SIZE,
  );
}
