import { computed, signal } from "@preact/signals";

/** The path of the relay, in front of all others; empty if it is `/`. */
export const base = document.documentElement.dataset.base ?? "";

const location_ = signal(window.location.pathname + window.location.search + window.location.hash);

/** The path of the page, without {@link base}. */
export const path = computed(() => {
  const { pathname } = new URL(location_.value, window.location.origin);
  return pathname.slice(base.length) || "/";
});

/** What stands behind `#`, which no browser sends; empty if nothing does. */
export const fragment = computed(() => new URL(location_.value, window.location.origin).hash.slice(1));

/** What stands behind `?`, as in `/explore?kinds=1`. */
export const query = computed(() => new URL(location_.value, window.location.origin).searchParams);

/** Goes to a page of the dashboard, by its path without {@link base}. With `replace` whoever is on it stays where they are. */
export function go(to: string, { replace = false } = {}): void {
  const method = replace ? "replaceState" : "pushState";
  window.history[method](null, "", base + to);
  location_.value = base + to;
  if (replace) return;
  window.scrollTo(0, 0);
  // Whoever listens to the page instead of seeing it is told where they are.
  queueMicrotask(() => document.querySelector<HTMLElement>("main")?.focus());
}

/** Has links of the page followed without loading it again, and the buttons of the browser heard. */
export function startRouter(): void {
  window.addEventListener("popstate", () => {
    location_.value = window.location.pathname + window.location.search + window.location.hash;
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element).closest("a");
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    const url = new URL(link.href, window.location.href);
    if (url.origin !== window.location.origin || !url.pathname.startsWith(`${base}/`)) return;
    const isAnchor = url.pathname === window.location.pathname && url.hash !== "";
    event.preventDefault();
    // The address stays: behind # may stand a code.
    if (isAnchor) return document.getElementById(url.hash.slice(1))?.focus();
    go(url.pathname.slice(base.length) + url.search + url.hash);
  });
}
