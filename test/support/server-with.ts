import { afterAll, beforeAll } from "vitest";
import { type Server, startServer } from "./server.ts";

/** Starts one server with `variables` for the tests of the surrounding block. */
export function serverWith(variables: Record<string, string>): () => Server {
  let server: Server | undefined;
  beforeAll(async () => {
    server = await startServer(variables);
  });
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined) throw new Error("not started");
    return server;
  };
}
