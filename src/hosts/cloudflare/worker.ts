import { type Config, parseConfig } from "../../relay/config/config.ts";
import { type Authority, forManagement } from "../http/management.ts";
import { plain, secured, withCors } from "../http/pages.ts";
import { purposeOf } from "../http/route.ts";
import { withClientIp } from "./client-ip.ts";
import { objectIdOf } from "./object-id.ts";
import { isNamedByRequests } from "./own-urls.ts";
import { type Env, RelayObject, secp256k1 } from "./relay-object.ts";

export { RelayObject };

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const response = await respond(request, env);
    return response.webSocket === null ? secured(response) : response;
  },
};

function respond(request: Request, env: Env): Response | Promise<Response> {
  try {
    return route(request, env, parseConfig(env));
  } catch (error) {
    console.error(String(error));
    return plain(503, "This relay is not configured correctly. Its log says which variable to mend.");
  }
}

async function route(request: Request, env: Env, config: Config): Promise<Response> {
  const purpose = purposeOf(request, config);
  if (purpose instanceof Response) return purpose;
  if (purpose === "upgrade") return theObject(env, config).fetch(withClientIp(request, config.clientIpHeader));
  const checked = purpose === "management" ? await forManagement(request, whoMayCall(request, env, config)) : request;
  return withCors(checked instanceof Response ? checked : await theObject(env, config).fetch(checked));
}

/** What an authorization is checked against; the object, which knows all names of the relay, asks once more. */
function whoMayCall(request: Request, env: Env, config: Config): Authority {
  const { managementUrls } = config;
  const relayUrls = isNamedByRequests(env.RELAY_URL) ? [request.url, ...managementUrls] : managementUrls;
  const now = () => RelayObject.nowSeconds(objectIdOf(env.RELAY, config).toString());
  return { relayUrls, crypto: secp256k1, now };
}

function theObject(env: Env, config: Config): DurableObjectStub {
  return env.RELAY.get(objectIdOf(env.RELAY, config));
}
