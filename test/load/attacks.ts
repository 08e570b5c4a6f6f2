import { parseArgs } from "node:util";
import { CASES } from "./attacks/cases.ts";
import { Runner } from "./attacks/run.ts";

// The attacks one by one, for a person to read: what a second client, who asks for little, waits meanwhile.
//   node test/load/attacks.ts [PATTERN] [--seconds 3] [--root CHECKOUT] [--script start:workers] [--list]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "3" },
    root: { type: "string" },
    script: { type: "string", default: "start" },
    list: { type: "boolean", default: false },
  },
});
const pattern = new RegExp(positionals[0] ?? "");
const cases = CASES.filter(({ title }) => pattern.test(title));
const runner = new Runner(values.root, values.script);
if (values.list) for (const { title } of cases) console.log(title);
else {
  console.log(" median     p99   worst longest  attack");
  for (const one of cases) console.log(await lineOf(one));
  await runner.close();
}

async function lineOf(one: (typeof CASES)[number]): Promise<string> {
  try {
    const { medianMs, p99Ms, worstMs, longestMs, attack } = await runner.run(one, Number(values.seconds));
    const numbers = [medianMs, p99Ms, worstMs, longestMs].map((value) => value.toFixed(1).padStart(7));
    return `${numbers.join(" ")}  ${one.title} ${JSON.stringify(attack)}`;
  } catch (error) {
    return `      -       -       -       -  ${one.title}: ${error}`;
  }
}
