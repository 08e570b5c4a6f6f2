/** What a command could not do; the message is for the person who called it. Exit code 1. */
export class Failure extends Error {}

/** A command that was called wrongly. Exit code 2. */
export class UsageError extends Error {}

/** Lines of text, which others may have written, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/(?:(?!\n)[\p{Cc}\p{Cf}])+/gu, " ");
}

/** The message of anything that was thrown, with its cause where there is one. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  const { code } = error as NodeJS.ErrnoException;
  const text = printable(error.message === "" ? (code ?? error.name) : error.message);
  return error.cause === undefined ? text : `${text}: ${messageOf(error.cause)}`;
}

/** A text in which nobody can read a secret key, or the secret of a bunker's URL: people give them where something else belongs. */
export function withoutSecrets(text: string): string {
  return text.replace(/nsec1[0-9a-z]+/gi, "nsec1…").replace(/bunker:\/\/[^\s'"]+/gi, "bunker://…");
}
