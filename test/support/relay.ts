/** The relay under test. The project of vitest says on which host it runs (`#host`). */
export { freshRelay } from "#host";
export type { Knock, Settings, TestRelay, Upgrade } from "./hosts/test-relay.ts";
