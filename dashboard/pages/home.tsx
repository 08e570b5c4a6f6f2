import { useSignal } from "@preact/signals";
import { npubEncode } from "nostr-tools/nip19";
import { useEffect } from "preact/hooks";
import { about, aboutError, refreshAbout } from "../about.ts";
import { type Information, totals } from "../api/information.ts";
import { Connect } from "../parts/connect.tsx";
import { ErrorNote, Loading } from "../parts/states.tsx";
import { count } from "../parts/time.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { fragment, go } from "../router.ts";

/** How often the totals are asked for, in milliseconds. */
const TOTALS_MS = 10_000;

/** What the relay is, for everybody. */
export function HomePage() {
  const information = about.value;
  // A link that the `nexus` command made of old.
  const code = /^claim=(.+)$/.exec(fragment.value)?.[1];
  useEffect(() => {
    if (code !== undefined) go(`/invite#${code}`, { replace: true });
  }, [code]);
  if (information === undefined) {
    return aboutError.value === undefined ? <Loading /> : <ErrorNote error={aboutError.value} retry={refreshAbout} />;
  }
  const { name, description, icon, banner } = information;
  return (
    <>
      {banner && <img class="wide" src={banner} alt="" referrerpolicy="no-referrer" />}
      <div class="hero">
        {icon && <img src={icon} alt="" width="96" height="96" referrerpolicy="no-referrer" />}
        <div>
          <h1>{name}</h1>
          <p>{description ?? "A private Nostr relay."}</p>
        </div>
      </div>
      {information.claimable && (
        <p class="notice">
          Nobody operates this relay yet. If it is yours, open the link that it printed when it started.
        </p>
      )}
      <Who information={information} />
      <Totals />
      <Connect />
      {information.self !== undefined && <Join information={information} />}
      <More information={information} />
    </>
  );
}

function Who({ information: { access } }: { information: Information }) {
  return (
    <dl class="facts">
      <div>
        <dt>Who may read</dt>
        <dd>{access.read}</dd>
      </div>
      <div>
        <dt>Who may publish</dt>
        <dd>{access.write}</dd>
      </div>
    </dl>
  );
}

function Totals() {
  const { value, error } = useLoaded(totals, [], TOTALS_MS);
  if (value === undefined) return error === undefined ? <Loading what="Counting" /> : null;
  const numbers: [string, number][] = [
    ["connected", value.connections],
    ["events", value.events_total],
    ["kinds", Object.values(value.events_by_kind).filter((number) => number > 0).length],
    ["job requests", value.dvm.requests],
    ["job results", value.dvm.results],
  ];
  return (
    <section aria-label="In numbers">
      <dl class="numbers">
        {numbers.map(([label, number]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{count(number)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Join({ information: { contact, pubkey, name } }: { information: Information }) {
  const code = useSignal("");
  const mail = /^mailto:([^?]+)/i.exec(contact ?? "")?.[1];
  return (
    <section aria-labelledby="join">
      <h2 id="join">Join</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          go(`/invite#${codeIn(code.value)}`);
        }}
      >
        <label>
          Have you received an invite?
          <span class="row">
            <input
              value={code}
              onInput={(event) => {
                code.value = event.currentTarget.value;
              }}
              placeholder="The invite, as a code or a link"
              autocomplete="off"
              required
            />
            <button type="submit">Use it</button>
          </span>
        </label>
      </form>
      {(mail ?? pubkey) && (
        <p>
          If you have none, ask the operator{" "}
          {mail !== undefined ? (
            <a href={`mailto:${mail}?subject=${encodeURIComponent(`An invite to ${name}`)}`}>by e-mail</a>
          ) : (
            <a href={`nostr:${npubEncode(pubkey ?? "")}`}>on Nostr</a>
          )}
          .
        </p>
      )}
    </section>
  );
}

/** The code in what somebody has pasted: a code, or a link that ends with one. */
function codeIn(text: string): string {
  return text.trim().split(/[/#=]/).at(-1) ?? "";
}

function More({ information }: { information: Information }) {
  const { contact, pubkey, terms_of_service: terms, supported_nips: nips, version } = information;
  return (
    <section aria-labelledby="more">
      <h2 id="more">Good to know</h2>
      <dl class="facts">
        {contact !== undefined && (
          <div>
            <dt>Contact</dt>
            <dd>
              <a href={contact}>{contact.replace(/^(mailto|nostr):/i, "")}</a>
            </dd>
          </div>
        )}
        {pubkey !== undefined && (
          <div>
            <dt>Operator</dt>
            <dd>
              <code>{npubEncode(pubkey)}</code>
            </dd>
          </div>
        )}
        {terms !== undefined && (
          <div>
            <dt>Terms</dt>
            <dd>
              <a href={terms}>{terms}</a>
            </dd>
          </div>
        )}
        <div>
          <dt>Speaks</dt>
          <dd>NIPs {nips.join(", ")}</dd>
        </div>
        <div>
          <dt>Runs</dt>
          <dd>Nexus {version}</dd>
        </div>
      </dl>
    </section>
  );
}
