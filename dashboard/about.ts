import { signal } from "@preact/signals";
import { type Information, information } from "./api/information.ts";

/** What the relay says of itself; undefined until it has. */
export const about = signal<Information | undefined>(undefined);

/** Why it has not. */
export const aboutError = signal<Error | undefined>(undefined);

/** Asks it again, as after a change of the name. */
export async function refreshAbout(): Promise<void> {
  try {
    about.value = await information();
    aboutError.value = undefined;
  } catch (error) {
    aboutError.value = error as Error;
  }
}
