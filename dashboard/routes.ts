import type { ComponentType } from "preact";
import { AdminPage } from "./pages/admin.tsx";
import { AuditPage } from "./pages/audit.tsx";
import { ClaimPage } from "./pages/claim.tsx";
import { ExplorePage } from "./pages/explore.tsx";
import { HomePage } from "./pages/home.tsx";
import { InvitePage } from "./pages/invite.tsx";
import { JobPage } from "./pages/job.tsx";
import { JobsPage } from "./pages/jobs.tsx";
import { MembersPage } from "./pages/members.tsx";
import { ModerationPage } from "./pages/moderation.tsx";
import { SettingsPage } from "./pages/settings.tsx";

/** A page, and where it is. */
export interface Route {
  /** The path behind that of the relay; `:name` stands for one part of it. */
  readonly path: string;
  /** As the browser shows it. */
  readonly title: string;
  readonly page: ComponentType<{ params: Readonly<Record<string, string>> }>;
  /** Who finds a link to it in the navigation: everybody, who is signed in, or who manages the relay. */
  readonly nav?: "everybody" | "signed-in" | "admin";
  /** The page itself asks to sign in. */
  readonly asksToSignIn?: boolean;
}

export const ROUTES: readonly Route[] = [
  { path: "/", title: "About", page: HomePage, nav: "everybody" },
  { path: "/invite", title: "Join", page: InvitePage, asksToSignIn: true },
  { path: "/invite/:code", title: "Join", page: InvitePage, asksToSignIn: true },
  { path: "/claim", title: "Set up", page: ClaimPage, asksToSignIn: true },
  { path: "/explore", title: "Explore", page: ExplorePage, nav: "signed-in" },
  { path: "/admin", title: "Operate", page: AdminPage, nav: "admin" },
  { path: "/admin/members", title: "Members", page: MembersPage },
  { path: "/admin/jobs", title: "Jobs", page: JobsPage },
  { path: "/admin/jobs/:id", title: "Job", page: JobPage },
  { path: "/admin/moderation", title: "Moderation", page: ModerationPage },
  { path: "/admin/settings", title: "Settings", page: SettingsPage },
  { path: "/admin/audit", title: "Audit", page: AuditPage },
];

/** The route of a path, and what stands for its names; undefined if there is none. */
export function routeOf(path: string): { route: Route; params: Record<string, string> } | undefined {
  const parts = partsOf(path);
  for (const route of ROUTES) {
    const names = partsOf(route.path);
    if (names.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const isSame = names.every((name, i) => {
      const part = parts[i] as string;
      if (!name.startsWith(":")) return name === part;
      params[name.slice(1)] = part;
      return true;
    });
    if (isSame) return { route, params };
  }
  return undefined;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}
