/**
 * Characters that change how a terminal behaves: control characters (C0, DEL and C1, which begin escape sequences),
 * marks that change the direction of writing, and line separators.
 */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Makes text safe to print on a terminal. Each control character is replaced by its JSON escape, such as `\u001b`, so
 * JSON text keeps its value.
 *
 * @param text one line; a line break in it is escaped too
 */
export function printable(text: string): string {
  return text.replaceAll(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The same for text of several lines. Its line breaks stay. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
