import { useState } from "preact/hooks";

/** Copies a text, and says for a moment how that went. */
export function useCopy(text: string): { said: string; copy: () => Promise<void> } {
  const [said, setSaid] = useState("");
  const copy = async () => {
    setSaid((await copied(text)) ? "Copied" : "Copy it by hand");
    setTimeout(() => setSaid(""), 2500);
  };
  return { said, copy };
}

/** A button that copies a text, and says so. */
export function Copy({ text, label = "Copy", what }: { text: string; label?: string; what?: string }) {
  const { said, copy } = useCopy(text);
  return (
    <button type="button" class="secondary outline copy" onClick={copy} aria-label={what && `${label} ${what}`}>
      <span aria-live="polite">{said || label}</span>
    </button>
  );
}

/** A text to be copied as a whole, in a box with its button. */
export function CopyBox({ text, what }: { text: string; what: string }) {
  return (
    <div class="copy-box">
      <code>{text}</code>
      <Copy text={text} what={what} />
    </div>
  );
}

/** The clipboard is there for pages of HTTPS and of this machine; elsewhere an old way is tried. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    return isDone;
  }
}
