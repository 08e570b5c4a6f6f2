import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { bunkerLink, signInByBunker, signInByExtension, signInByKey } from "../session/session.ts";
import { hasExtension, makeKey, readKey, textOfKey } from "../session/signers.ts";
import { CopyBox } from "./copy.tsx";
import { ErrorNote } from "./states.tsx";
import { TextField } from "./text-field.tsx";
import { useAction } from "./use-loaded.ts";

/** The three ways to sign in. No secret key leaves the page. */
export function SignIn({ onDone = () => {} }: { onDone?: () => void }) {
  const isThere = useSignal(hasExtension());
  // An extension may come some moments after the page.
  useEffect(() => {
    const timer = setInterval(() => {
      isThere.value = hasExtension();
    }, 500);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="sign-in">
      <details name="sign-in" open={isThere.value}>
        <summary>With a browser extension</summary>
        <Extension isThere={isThere.value} onDone={onDone} />
      </details>
      <details name="sign-in">
        <summary>With a remote signer</summary>
        <Bunker onDone={onDone} />
      </details>
      <details name="sign-in" open={!isThere.value}>
        <summary>With a key in this page</summary>
        <OwnKey onDone={onDone} />
      </details>
    </div>
  );
}

function Extension({ isThere, onDone }: { isThere: boolean; onDone: () => void }) {
  const action = useAction(signInByExtension);
  return (
    <>
      <p>
        {isThere
          ? "The extension asks you before it signs. Your key stays in it."
          : "This browser has no extension for Nostr keys (NIP-07). Install one, for example nos2x or Alby, and load this page again."}
      </p>
      <button
        type="button"
        disabled={!isThere}
        aria-busy={action.isBusy}
        onClick={async () => (await action.run()) && onDone()}
      >
        Sign in with the extension
      </button>
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </>
  );
}

function Bunker({ onDone }: { onDone: () => void }) {
  const action = useAction(signInByBunker);
  const address = useSignal("");
  return (
    <form
      onSubmit={async (event) => {
        event.preventDefault();
        if (await action.run(address.value)) onDone();
      }}
    >
      <p>A signer, such as an app on your phone, keeps your key and signs for this page. It shows you its address.</p>
      <TextField
        label="Address of your signer (NIP-46)"
        value={address}
        placeholder="bunker://…"
        autocomplete="off"
        spellcheck={false}
        required
      />
      <button type="submit" aria-busy={action.isBusy} disabled={action.isBusy}>
        Sign in with the signer
      </button>
      {action.isBusy && <p role="status">Waiting for your signer. Open it if it asks you to confirm.</p>}
      {bunkerLink.value?.startsWith("https://") && (
        <p>
          <a href={bunkerLink.value} target="_blank" rel="noreferrer">
            Confirm it on the page of your signer
          </a>
        </p>
      )}
      {action.error !== undefined && <ErrorNote error={action.error} />}
    </form>
  );
}

function OwnKey({ onDone }: { onDone: () => void }) {
  const fresh = useSignal<Uint8Array | undefined>(undefined);
  const isSaved = useSignal(false);
  const entered = useSignal("");
  const error = useSignal("");
  if (fresh.value !== undefined) {
    const key = fresh.value;
    return (
      <>
        <p>
          This is your secret key. It is shown <strong>only now</strong>. Keep it where you keep passwords. Whoever has
          it is you.
        </p>
        <CopyBox text={textOfKey(key)} what="the secret key" />
        <label>
          <input
            type="checkbox"
            checked={isSaved}
            onChange={(event) => {
              isSaved.value = event.currentTarget.checked;
            }}
          />
          I have saved the key
        </label>
        <button
          type="button"
          disabled={!isSaved.value}
          onClick={() => {
            signInByKey(key, { isFresh: true });
            onDone();
          }}
        >
          Sign in with this key
        </button>
      </>
    );
  }
  return (
    <>
      <p>The key stays in this tab, and goes when you close it. It is never sent anywhere.</p>
      <button
        type="button"
        onClick={() => {
          fresh.value = makeKey();
        }}
      >
        Make a new key
      </button>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const key = readKey(entered.value);
          if (key === undefined) {
            error.value = "This is no secret key. It begins with nsec1, or has 64 hex digits.";
            return;
          }
          signInByKey(key);
          onDone();
        }}
      >
        <label>
          Or enter one that you have
          <input
            type="password"
            value={entered}
            onInput={(event) => {
              entered.value = event.currentTarget.value;
            }}
            placeholder="nsec1…"
            autocomplete="off"
            required
          />
        </label>
        <button type="submit" class="secondary">
          Sign in with it
        </button>
        {error.value !== "" && <ErrorNote error={error.value} />}
      </form>
    </>
  );
}
