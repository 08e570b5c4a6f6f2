import { RelayObject } from "../../src/hosts/cloudflare/relay-object.ts";

/** Times that tests have set, by object. Outside the objects, so that an eviction changes nothing. */
const times = new Map<string, number>();

const realSeconds = RelayObject.nowSeconds;
RelayObject.nowSeconds = (objectId) => times.get(objectId) ?? realSeconds(objectId);

/**
 * Stops the clock of one relay at a Unix time in seconds, until it is set again. Only what the relay judges by is
 * stopped: its timers and the alarm of the platform go on in real time.
 */
export function setTime(stub: DurableObjectStub, seconds: number): void {
  times.set(stub.id.toString(), seconds);
}
