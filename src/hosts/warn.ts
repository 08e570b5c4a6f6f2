const told = new Set<string>();

/** Tells the operator something that the relay goes on with; the same only once. */
export function warnOnce(text: string): void {
  if (told.has(text)) return;
  told.add(text);
  console.warn(text);
}
