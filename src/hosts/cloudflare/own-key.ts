import type { Env } from "./relay-object.ts";

/** Key of the row that holds the secret key which the relay has made for itself. */
const KEY = "own-key";

/**
 * The variables of the relay, with the secret key that it has made for itself where `RELAY_SECRET_KEY` is not set. It makes one
 * at its first start, when somebody may claim it (R-05-86): to what has events already a key would do more than let members in.
 */
export function withOwnKey(env: Env, storage: DurableObjectStorage, randomHex: (bytes: number) => string): Env {
  const isSet = (name: string) => typeof env[name] === "string" && env[name].trim() !== "";
  if (isSet("RELAY_SECRET_KEY")) return env;
  let key = storage.kv.get(KEY);
  const isMade = typeof key === "string";
  if (!isMade && isSet("CLAIM_TOKEN") && !isSet("RELAY_PUBKEY") && !isSet("ADMIN_PUBKEYS") && isEmpty(storage)) {
    key = randomHex(32);
    storage.kv.put(KEY, key);
  }
  return key === undefined ? env : { ...env, RELAY_SECRET_KEY: key };
}

/** Whether the relay has never been put together on this storage. */
function isEmpty({ sql }: DurableObjectStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_schema WHERE name = 'event'").toArray().length === 0;
}
