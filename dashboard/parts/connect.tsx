import applesauce from "../../examples/connect/applesauce.mjs?raw";
import ndk from "../../examples/connect/ndk.mjs?raw";
import nostrTools from "../../examples/connect/nostr-tools.mjs?raw";
import python from "../../examples/connect/python.py?raw";
import rustNostr from "../../examples/connect/rust-nostr.mjs?raw";
import webSocket from "../../examples/connect/websocket.mjs?raw";
import welshman from "../../examples/connect/welshman.mjs?raw";
import { relayAddress } from "../api/place.ts";
import { CopyBox } from "./copy.tsx";
import { Qr } from "./qr.tsx";

/** How each library connects and logs in: the programs that docs/connect.md shows too, which the tests run. */
const SNIPPETS: readonly [name: string, code: string][] = [
  ["nostr-tools", program(nostrTools)],
  ["NDK", program(ndk)],
  ["applesauce", program(applesauce)],
  ["welshman", program(welshman)],
  ["rust-nostr", program(rustNostr)],
  ["WebSocket, without a library", program(webSocket)],
  ["Python", program(python)],
  ["Programs that cannot log in", `npx nexus proxy --relay ${relayAddress} --key-file agent.key`],
];

/** A program as somebody calls it for this relay. */
function program(text: string): string {
  return text
    .replace(/^(\/\/ @ts-check|\s*\/\*\* @(param|type) .*\*\/)\n/gm, "")
    .replace(/\/\*\* @type .*?\*\/ /g, "")
    .replaceAll("wss://relay.example.com", relayAddress)
    .replaceAll("examples/connect/", "")
    .trim();
}

/** How to connect: the address, as text and as QR code, the apps, and a few lines for each library. */
export function Connect() {
  return (
    <section aria-labelledby="connect">
      <h2 id="connect">Connect</h2>
      <div class="beside">
        <div>
          <p>
            Apps that people use here: <a href="https://flotilla.social">Flotilla</a>,{" "}
            <a href="https://coracle.social">Coracle</a>, and others that log in with your key (NIP-42). Add this
            address to the relays of your app:
          </p>
          <CopyBox text={relayAddress} what="the address of the relay" />
          <details>
            <summary>For programmers</summary>
            {SNIPPETS.map(([name, code]) => (
              <details key={name} name="snippets">
                <summary>{name}</summary>
                <CopyBox text={code} what={`the lines for ${name}`} />
              </details>
            ))}
          </details>
        </div>
        <Qr text={relayAddress} label={`QR code of ${relayAddress}`} />
      </div>
    </section>
  );
}
