/** One line of Markdown in which only code is marked. */
export function Line({ text }: { text: string }) {
  return (
    <>
      {text
        .split("`")
        .map((part, i) => (i % 2 === 1 ? <code key={part + String(i)}>{part}</code> : part.replace(/\*\*/g, "")))}
    </>
  );
}
