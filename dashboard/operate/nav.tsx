import { base, path } from "../router.ts";
import { methods } from "../session/session.ts";

/** The pages of the operator: their path, their name, and a method without which there is nothing on them. */
const PAGES: readonly [path: string, title: string, needs: string][] = [
  ["/admin", "Overview", "stats"],
  ["/admin/members", "Members", "listmembers"],
  ["/admin/jobs", "Jobs", "listjobs"],
  ["/admin/moderation", "Moderation", "listbannedpubkeys"],
  ["/admin/settings", "Settings", "listsettings"],
  ["/admin/audit", "Audit", "listaudit"],
];

/** Links between the pages of the operator, as far as this key may use them. */
export function OperatorNav() {
  const may = methods.value ?? [];
  return (
    <nav class="tabs" aria-label="Operate">
      <ul>
        {PAGES.filter(([to, , needs]) => may.includes(needs) || to === "/admin" || to === path.value).map(
          ([to, title]) => (
            <li key={to}>
              <a href={base + to} aria-current={isAt(to) ? "page" : undefined}>
                {title}
              </a>
            </li>
          ),
        )}
      </ul>
    </nav>
  );
}

/** Whether the page is this one, or one below it, as that of one job. */
function isAt(to: string): boolean {
  return path.value === to || (to !== "/admin" && path.value.startsWith(`${to}/`));
}
