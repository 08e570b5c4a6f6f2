import { base } from "../router.ts";

/** Where the relay is for HTTP and for WebSocket: where the page came from. */
export const httpUrl = `${window.location.origin}${base}/`;
export const webSocketUrl = httpUrl.replace(/^http/, "ws");

/** How people write that address: without the slash at its end. */
export const relayAddress = webSocketUrl.replace(/\/$/, "");
