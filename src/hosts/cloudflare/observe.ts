import { Logbook } from "../log.ts";

/** The log of this isolate, which the platform keeps. */
export const logbook = new Logbook((line, level) => {
  if (level === "error") console.error(line);
  else if (level === "warn") console.warn(line);
  else console.log(line);
});
export const { report } = logbook;
