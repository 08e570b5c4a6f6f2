import { type Config, parseConfig } from "../../relay/config/config.ts";
import { forManagement } from "../http/management.ts";
import { plain, withCors } from "../http/pages.ts";
import { errandOf } from "../http/route.ts";
import { withClientAddress } from "./client-address.ts";
import type { Env } from "./relay-object.ts";

export { RelayObject } from "./relay-object.ts";

/** Name of the one object that holds the relay. */
const OBJECT_NAME = "main";

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    let config: Config;
    try {
      config = parseConfig(env);
    } catch (error) {
      console.error(String(error));
      return plain(503, "This relay is not configured correctly. Its log says which variable to mend.");
    }
    return route(request, env, config);
  },
};

async function route(request: Request, env: Env, config: Config): Promise<Response> {
  const errand = errandOf(request, config);
  if (errand instanceof Response) return errand;
  if (errand === "upgrade") return theObject(env).fetch(withClientAddress(request, config.clientIpHeader));
  const admitted = errand === "management" ? await forManagement(request) : request;
  return withCors(admitted instanceof Response ? admitted : await theObject(env).fetch(admitted));
}

function theObject(env: Env): DurableObjectStub {
  return env.RELAY.get(env.RELAY.idFromName(OBJECT_NAME));
}
