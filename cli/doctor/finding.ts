/** What one check found. What is wrong comes with what to do. */
export interface Finding {
  check: string;
  state: "ok" | "warning" | "wrong";
  found: string;
  advice?: string;
}

export function ok(check: string, found: string): Finding {
  return { check, state: "ok", found };
}

export function warning(check: string, found: string, advice: string): Finding {
  return { check, state: "warning", found, advice };
}

export function wrong(check: string, found: string, advice: string): Finding {
  return { check, state: "wrong", found, advice };
}
