import type { Command } from "commander";
import { countCommand } from "./count.ts";
import { infoCommand } from "./info.ts";
import { keyCommand } from "./key.ts";
import { publishCommand } from "./publish.ts";
import { reqCommand } from "./req.ts";
import { startCommand } from "./start.ts";

/** All commands, in the order of the help. */
export function commands(): Command[] {
  return [startCommand(), keyCommand(), infoCommand(), reqCommand(), publishCommand(), countCommand()];
}
