import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { about, refreshAbout } from "./about.ts";
import { Dialog } from "./parts/dialog.tsx";
import { Person } from "./parts/person.tsx";
import { SignIn } from "./parts/sign-in.tsx";
import { Empty } from "./parts/states.tsx";
import { link, refusal, retryNow } from "./relay/client.ts";
import { base, path } from "./router.ts";
import { ROUTES, routeOf } from "./routes.ts";
import { isAdmin, isResuming, pubkey, signOut } from "./session/session.ts";

/** The frame around every page. */
export function App() {
  useEffect(() => void refreshAbout(), []);
  const found = routeOf(path.value);
  const name = about.value?.name ?? "Nexus";
  useEffect(() => {
    document.title = found === undefined || found.route.path === "/" ? name : `${found.route.title} · ${name}`;
  }, [found?.route, name]);
  const Page = found?.route.page;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header name={name} isAsked={found?.route.asksToSignIn === true} />
      <LinkBanner />
      <main id="main" class="container" tabIndex={-1}>
        {Page === undefined ? (
          <>
            <h1>There is no such page</h1>
            <Empty>
              Go to <a href={`${base}/`}>the page of the relay</a>.
            </Empty>
          </>
        ) : (
          // What one key was shown goes with it.
          <Page key={`${path.value} ${pubkey.value}`} params={found?.params ?? {}} />
        )}
      </main>
    </>
  );
}

/** With `isAsked` the page itself asks to sign in. */
function Header({ name, isAsked }: { name: string; isAsked: boolean }) {
  const isAsking = useSignal(false);
  const isSignedIn = pubkey.value !== undefined;
  const shown = ROUTES.filter(
    ({ nav }) => nav === "everybody" || (nav === "signed-in" && isSignedIn) || (nav === "admin" && isAdmin.value),
  );
  return (
    <header class="top">
      <nav class="container" aria-label="Pages">
        <ul>
          <li>
            <a href={`${base}/`} class="brand contrast">
              {about.value?.icon && (
                <img src={about.value.icon} alt="" width="28" height="28" referrerpolicy="no-referrer" />
              )}
              <strong>{name}</strong>
            </a>
          </li>
          {shown
            .filter(({ path: to }) => to !== "/")
            .map(({ path: to, title }) => (
              <li key={to}>
                <a href={base + to} aria-current={path.value.startsWith(to) ? "page" : undefined}>
                  {title}
                </a>
              </li>
            ))}
        </ul>
        <ul>
          {isSignedIn ? (
            <>
              <li>
                <Person pubkey={pubkey.value ?? ""} />
              </li>
              <li>
                <button type="button" class="secondary outline small" onClick={signOut}>
                  Sign out
                </button>
              </li>
            </>
          ) : isAsked ? null : (
            <li>
              <button
                type="button"
                class="small"
                aria-busy={isResuming.value}
                onClick={() => {
                  isAsking.value = true;
                }}
              >
                Sign in
              </button>
            </li>
          )}
        </ul>
      </nav>
      {isAsking.value && (
        <Dialog
          title="Sign in"
          onClose={() => {
            isAsking.value = false;
          }}
        >
          <SignIn
            onDone={() => {
              isAsking.value = false;
            }}
          />
        </Dialog>
      )}
    </header>
  );
}

/** Says when the page has lost the relay, and when it is refused. */
function LinkBanner() {
  const state = link.value;
  return (
    <div role="status" class="banner" data-link={state}>
      {state === "reconnecting" && (
        <p class="container">
          <span aria-busy="true">The connection to the relay is lost. Trying again…</span>{" "}
          <button type="button" class="secondary outline small" onClick={retryNow}>
            Try now
          </button>
        </p>
      )}
      {state === "refused" && (
        <p class="container">
          The relay refuses the login: {refusal.value}{" "}
          <button type="button" class="secondary outline small" onClick={retryNow}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}
