import type { Config } from "../../relay/config/config.ts";

/** Name of the one object that holds the relay. */
const OBJECT_NAME = "main";

interface Named<Id> {
  idFromName(name: string): Id;
}

/** The object that holds the relay: of that name there is one in each jurisdiction, and one without. */
export function objectIdOf<Id>(
  namespace: Named<Id> & { jurisdiction(name: NonNullable<Config["jurisdiction"]>): Named<Id> },
  { jurisdiction }: Pick<Config, "jurisdiction">,
): Id {
  return (jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction)).idFromName(OBJECT_NAME);
}
