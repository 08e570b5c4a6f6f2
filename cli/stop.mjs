// @ts-check

/** What a person or a service manager ends a process with. */
export const STOP_SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/**
 * Ends with npm, or with an older Node that has handed over to this one: if these are killed they would leave the relay behind.
 * @param {() => void} stop
 */
export function stopWithParent(stop) {
  process.on("disconnect", stop);
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 200);
  timer.unref();
}
