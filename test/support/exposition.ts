/** A metric of the Prometheus text format 0.0.4, with its samples by their name and labels as written. */
export interface Parsed {
  readonly type: string;
  readonly help: string;
  readonly samples: Map<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?)$`);

/**
 * Reads a page strictly: each family has HELP, TYPE and then all of its samples, once; counters end in `_total` and never
 * fall below zero; buckets of a histogram rise, end with `+Inf`, and agree with `_count`. Throws at the first fault.
 */
export function parseExposition(text: string): Map<string, Parsed> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Parsed>();
  let current: [name: string, family: Parsed] | undefined;
  let help: RegExpExecArray | null = null;
  for (const line of text.slice(0, -1).split("\n")) {
    const type = TYPE.exec(line);
    if (type !== null) {
      const [, name = "", sort = ""] = type;
      if (help?.[1] !== name) throw new Error(`no HELP before: ${line}`);
      if (families.has(name)) throw new Error(`a second time: ${name}`);
      if ((sort === "counter") !== name.endsWith("_total")) throw new Error(`a counter ends in _total: ${name}`);
      current = [name, { type: sort, help: help[2] ?? "", samples: new Map() }];
      families.set(...current);
      help = null;
      continue;
    }
    if (help !== null) throw new Error(`no TYPE behind HELP: ${line}`);
    help = HELP.exec(line);
    if (help === null) take(line, current);
  }
  if (help !== null) throw new Error("a HELP without a TYPE");
  for (const [name, family] of families) check(name, family);
  return families;
}

function take(line: string, current: [string, Parsed] | undefined): void {
  const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
  if (name === "" || current === undefined) throw new Error(`no sample: ${JSON.stringify(line)}`);
  const [family, { type, samples }] = current;
  const endings = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!endings.some((ending) => name === family + ending)) throw new Error(`${name} is not of ${family}`);
  if (samples.has(name + labels)) throw new Error(`a second time: ${name}${labels}`);
  samples.set(name + labels, Number(value));
}

function check(name: string, { type, samples }: Parsed): void {
  if (samples.size === 0) throw new Error(`${name} has no samples`);
  if (type === "counter" && [...samples.values()].some((value) => value < 0)) throw new Error(`${name} is below zero`);
  if (type !== "histogram") return;
  const buckets = [...samples].filter(([sample]) => sample.startsWith(`${name}_bucket`));
  const bounds = buckets.map(([sample]) => Number(/le="([^"]+)"/.exec(sample)?.[1]?.replace("+Inf", "Infinity")));
  const isRising = (values: number[], isEnough: (a: number, b: number) => boolean) =>
    values.every((value, i) => i === 0 || isEnough(values[i - 1] as number, value));
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name} has no last bucket`);
  if (!isRising(bounds, (a, b) => a < b)) throw new Error(`the bounds of ${name} do not rise`);
  if (
    !isRising(
      buckets.map(([, count]) => count),
      (a, b) => a <= b,
    )
  )
    throw new Error(`${name} is not cumulative`);
  if (samples.get(`${name}_count`) !== buckets.at(-1)?.[1]) throw new Error(`the count of ${name} is another`);
  if (!samples.has(`${name}_sum`)) throw new Error(`${name} has no sum`);
}
