// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the sources have it.
/** A fault put into the core on purpose: a simulation that does not find it proves less than it seems to. */
export interface Mutation {
  name: string;
  file: string;
  /** What stands once in the file, and what takes its place. */
  edits: [from: string, to: string][];
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "a stored answer has what came after its position",
    file: "src/store/read/range-read.ts",
    edits: [["AND ${table}.seq <= ${head}`", "AND ${table}.seq <= ${head} + 1000`"]],
  },
  {
    name: "a live event goes to whoever may not see it",
    file: "src/relay/read/deliver.ts",
    edits: [["    if (!canRead(connection, verified.event, verified.tags)) return;\n", ""]],
  },
  {
    name: "OK before the commit",
    file: "src/relay/publish/publish.ts",
    edits: [
      [
        "    const results = this.#append(\n      stored.map",
        '    for (const one of stored) this.#ok(one.connection, one.verified.event.id, true, "");\n    const results = this.#append(\n      stored.map',
      ],
      ["        this.#ok(connection, id, true, jobHint(this.#deps, connection, verified));\n", ""],
    ],
  },
  {
    name: "a live event goes out before EOSE",
    file: "src/relay/read/subscription.ts",
    edits: [["    return this.#backlog === undefined;", "    return true;"]],
  },
  {
    name: "what was kept until EOSE is forgotten",
    file: "src/relay/read/subscription.ts",
    edits: [["    for (const { verified } of live) this.send(verified.raw);", "    void live;"]],
  },
  {
    name: "what has gone meanwhile still follows EOSE",
    file: "src/relay/read/request.ts",
    edits: [["stored.remaining(subscription.backlog).filter(isAllowed)", "subscription.backlog.filter(isAllowed)"]],
  },
  {
    name: "CLOSE takes an event with it that waits",
    file: "src/relay/inbox.ts",
    edits: [
      [
        "subject === undefined ? undefined : this.#closed?.get(subject);",
        'this.#closed?.get(subject ?? [...this.#closed.keys()][0] ?? "");',
      ],
    ],
  },
  {
    name: "CLOSE does not end an answer under way",
    file: "src/relay/read/request.ts",
    edits: [["while (!subscription.isClosed) {", "for (;;) {"]],
  },
  {
    name: "tombstones are not looked at",
    file: "src/store/prior.ts",
    edits: [['block: isDeleted ? "deleted" : vanishedUntil', "block: vanishedUntil"]],
  },
  {
    name: "two filters of one subscription match, and the event comes twice",
    file: "src/relay/read/subscription-index.ts",
    edits: [["subscription.lastMatched === mark || ", ""]],
  },
  {
    name: "an older version takes the place of a newer one",
    file: "src/store/event-store.ts",
    edits: [["!supersedes(event, current.event)", "event.id === current.event.id"]],
  },
  {
    name: "frames that waited for the login are served twice",
    file: "src/relay/access/grace.ts",
    edits: [["    connection.held = [];\n", ""]],
  },
  {
    name: "a failed commit is not undone",
    file: "src/store/event-store.ts",
    edits: [["const result = this.#sql.transaction(() => {", "const result = ((run: () => T): T => run())(() => {"]],
  },
  {
    name: "who has done most is served first",
    file: "src/relay/scheduler.ts",
    edits: [
      [
        "one.virtualTime += this.#meter.spent - this.#meter.prepaid - this.#before;",
        "one.virtualTime -= this.#meter.spent - this.#meter.prepaid - this.#before;",
      ],
    ],
  },
  {
    name: "the challenge of AUTH is not looked at",
    file: "src/protocol/auth.ts",
    edits: [["  if (challenge !== check.challenge)", '  if (challenge === "")']],
  },
  {
    name: "a read does not wait for the events that its connection has sent before",
    file: "src/relay/verbs.ts",
    edits: [["    publisher.commitOf(connection);\n    if (grace.isRepeated", "    if (grace.isRepeated"]],
  },
  {
    name: "the relay is not woken when a crowded socket has room again",
    file: "src/relay/scheduler.ts",
    edits: [["      for (const one of waiting) this.ready(one);", "      void waiting;"]],
  },
  {
    name: "two versions of an address share their statements",
    file: "src/store/runs.ts",
    edits: [["if (open === undefined || (key !== undefined && addresses.has(key))) {", "if (open === undefined) {"]],
  },
];
