import type { Command } from "commander";
import { bundleCommand, exportCommand, importCommand, restoreCommand } from "../data/commands.ts";
import { backupCommand, bookmarkCommand, compactCommand } from "../data/store-commands.ts";
import { adminCommand } from "./admin.ts";
import { allowCommand } from "./allow.ts";
import { auditCommand } from "./audit.ts";
import { banCommand, unbanCommand } from "./ban.ts";
import { benchCommand } from "./bench.ts";
import { completionCommand } from "./completion.ts";
import { countCommand } from "./count.ts";
import { doctorCommand } from "./doctor.ts";
import { infoCommand } from "./info.ts";
import { initCommand } from "./init.ts";
import { inviteCommand } from "./invite.ts";
import { jobsCommand } from "./jobs.ts";
import { keyCommand } from "./key.ts";
import { memberCommand } from "./member.ts";
import { proxyCommand } from "./proxy.ts";
import { publishCommand } from "./publish.ts";
import { reportCommand } from "./report.ts";
import { reqCommand } from "./req.ts";
import { roleCommand } from "./role.ts";
import { settingsCommand } from "./settings.ts";
import { startCommand } from "./start.ts";
import { statsCommand } from "./stats.ts";
import { syncCommand } from "./sync.ts";

/** All commands, in the order of the help. */
export function commands(): Command[] {
  return [
    initCommand(),
    startCommand(),
    doctorCommand(),
    keyCommand(),
    infoCommand(),
    reqCommand(),
    publishCommand(),
    countCommand(),
    memberCommand(),
    inviteCommand(),
    roleCommand(),
    banCommand(),
    unbanCommand(),
    allowCommand(),
    adminCommand(),
    reportCommand(),
    auditCommand(),
    statsCommand(),
    jobsCommand(),
    settingsCommand(),
    syncCommand(),
    exportCommand(),
    importCommand(),
    bundleCommand(),
    restoreCommand(),
    backupCommand(),
    bookmarkCommand(),
    compactCommand(),
    proxyCommand(),
    benchCommand(),
    completionCommand(),
  ];
}
