// @ts-check
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { ownKeyFile } from "./settings.mjs";

/**
 * Makes the relay a secret key of its own in the data directory, if it is to have its first operator and was given none: with
 * it the relay keeps members. To be called before the first start only.
 * @param {import("./settings.mjs").Settings} settings
 */
export async function makeOwnKey({ dataDirectory, variables }) {
  const { RELAY_SECRET_KEY, RELAY_PUBKEY, ADMIN_PUBKEYS } = variables;
  if ([RELAY_SECRET_KEY, RELAY_PUBKEY, ADMIN_PUBKEYS].some((value) => value !== undefined)) return;
  const key = randomBytes(32).toString("hex");
  const file = await open(ownKeyFile(dataDirectory), "wx", 0o600);
  await file.writeFile(`${key}\n`);
  await file.sync();
  await file.close();
  variables.RELAY_SECRET_KEY = key;
}

/**
 * What tells how to become the operator. A token that the operator has set is not repeated.
 * @param {import("./settings.mjs").Settings} settings
 * @param {boolean} isShown whether the token may be shown
 */
export function claimLink({ variables }, isShown) {
  const page = `${String(variables.RELAY_URL).replace(/^ws/, "http").replace(/\/$/, "")}/claim`;
  return `
Nobody operates this relay yet. Open this page within an hour, and sign in to become its operator:

  ${page}#${isShown ? variables.CLAIM_TOKEN : "<CLAIM_TOKEN>"}
`;
}
