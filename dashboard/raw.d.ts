/** The text of a file, as vite puts it into the script. */
declare module "*?raw" {
  const text: string;
  export default text;
}
