import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Stores a value for a setting, well-formed or not, in the data of a relay of either host that does not run. */
export function storeSetting(dataDirectory: string, name: string, value: string): void {
  const files = readdirSync(dataDirectory, { recursive: true, encoding: "utf8" });
  const file = files.find((one) => one.endsWith(".sqlite") && !one.endsWith("metadata.sqlite"));
  if (file === undefined) throw new Error(`no database among ${files.join(", ")}`);
  const database = new DatabaseSync(join(dataDirectory, file));
  database.prepare("INSERT INTO access VALUES('setting', ?, ?)").run(name, value);
  database.close();
}
