// @ts-check
import { appendFileSync } from "node:fs";
import { StatementSync } from "node:sqlite";

// Loaded before a relay: appends each statement that it runs to the file STATEMENTS, as JSON in one line.

const file = process.env.STATEMENTS;
if (file !== undefined) {
  for (const name of /** @type {const} */ (["all", "run", "iterate", "get"])) {
    const does = StatementSync.prototype[name];
    Object.defineProperty(StatementSync.prototype, name, {
      /** @this {StatementSync} @param {...any} bindings */
      value(...bindings) {
        appendFileSync(file, `${JSON.stringify(this.sourceSQL)}\n`);
        return Reflect.apply(does, this, bindings);
      },
    });
  }
}
