/**
 * What a terminal obeys instead of showing: control characters (C0, DEL and C1, which escape sequences begin with), marks
 * that turn the direction of writing, and separators that break a line.
 */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * Text that a terminal shows and does not obey. Each character of that kind is written as JSON's escape, such as
 * `\u001b`, so JSON text keeps its value.
 *
 * @param text one line; a line break in it is escaped too
 */
export function printable(text: string): string {
  return text.replaceAll(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The same for text of several lines: its line breaks stay. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
