/** Version of Nexus, as NIP-11 and the statistics state it. */
export const VERSION = "0.1.0";
export const SOFTWARE = "https://nexus.openagents.com";
