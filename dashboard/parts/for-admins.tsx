import type { ComponentChildren } from "preact";
import { OperatorNav } from "../operate/nav.tsx";
import { isAdmin, methods, pubkey } from "../session/session.ts";
import { SignIn } from "./sign-in.tsx";
import { Empty, Loading } from "./states.tsx";

/** What only who manages the relay finds here; others are told so, or asked to sign in. */
export function ForAdmins({ children }: { children: ComponentChildren }) {
  if (isAdmin.value) {
    return (
      <>
        <OperatorNav />
        {children}
      </>
    );
  }
  return (
    <>
      <h1>Operate</h1>
      {pubkey.value === undefined ? (
        <>
          <p>Sign in with the key of an operator.</p>
          <SignIn />
        </>
      ) : methods.value === undefined ? (
        <Loading what="Asking the relay what you may do" />
      ) : (
        <Empty>This key does not manage the relay. An operator can grant it that.</Empty>
      )}
    </>
  );
}

/** What only who is signed in finds here. */
export function ForSignedIn({ title, children }: { title: string; children: ComponentChildren }) {
  if (pubkey.value !== undefined) return <>{children}</>;
  return (
    <>
      <h1>{title}</h1>
      <p>Sign in to see what the relay shows your key.</p>
      <SignIn />
    </>
  );
}
