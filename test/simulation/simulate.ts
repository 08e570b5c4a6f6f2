import { parseArgs } from "node:util";
import { report, run, shrink, type Tally } from "./session.ts";

/**
 * `npm run simulate -- --seconds 600 --seed 1 --operations 200`: sessions of one seed after the other, until one fails. For 60
 * seconds unless told; with `--sessions` so many, however long they take.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    operations: { type: "string", default: "200" },
    "no-shrink": { type: "boolean", default: false },
    sessions: { type: "string" },
  },
});

const start = Date.now();
const [first, operations] = [Number(values.seed), Number(values.operations)];
const most = Number(values.sessions ?? Number.POSITIVE_INFINITY);
const seconds = Number(values.seconds ?? (values.sessions === undefined ? 60 : Number.POSITIVE_INFINITY));
const tally: Tally = { outcomes: new Map(), worst: 0 };
let told = start;
let done = 0;
for (let seed = first; Date.now() - start < 1000 * seconds && done < most; seed++) {
  const failure = run(seed, operations, tally);
  done++;
  if (failure !== undefined) {
    console.error(report(seed, failure, values["no-shrink"] ? failure : shrink(failure)));
    process.exitCode = 1;
    break;
  }
  if (Date.now() - told < 5000) continue;
  told = Date.now();
  say();
}
say();
if (process.exitCode === undefined)
  for (const [name, count] of [...tally.outcomes].sort()) console.log(`  ${count} ${name}`);

function say(): void {
  const minutes = (Date.now() - start) / 60_000;
  console.log(
    `${done} sessions of ${operations} from seed ${first} in ${(60 * minutes).toFixed(0)} s, ${(done / minutes).toFixed(0)} a minute; longest run ${tally.worst.toFixed(0)} units`,
  );
}
