import { integer, text } from "./values.ts";

/** What only `npm start` reads. */
export const LOCAL_VARIABLES = {
  PORT: integer({ default: 8787, min: 1, max: 65_535, help: "port to listen on" }),
  HOST: text({ max: 255, default: "127.0.0.1", help: "address to listen on" }),
  RELAY_SECRET_KEY_FILE: text({ max: 4096, help: "file that holds `RELAY_SECRET_KEY`, instead of the variable" }),
  NEXUS_DATA_DIR: text({ max: 4096, default: ".nexus", help: "where events are kept" }),
  BACKUP_DIR: text({ max: 4096, unset: "none: no backups are made", help: "where backups of the running relay go" }),
  BACKUP_EVERY: integer({
    default: 86_400,
    min: 60,
    max: 31_536_000,
    unit: "seconds",
    help: "time from one backup to the next; SIGUSR2 makes one at once",
  }),
  BACKUP_KEEP: integer({ default: 7, min: 1, max: 1000, unit: "backups", help: "newest backups that are kept" }),
};
