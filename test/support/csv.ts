/** Reads CSV by RFC 4180: records end with CRLF, a quoted field may hold any text, and a quote in it is doubled. */
export function readCsv(text: string): Record<string, string>[] {
  const records: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const [, quoted, plain = "", end] = field.exec(text) ?? [];
    if (end === undefined)
      throw new Error(`No field of a CSV at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    records.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === "\r\n" && field.lastIndex < text.length) records.push([]);
  }
  const [header = [], ...lines] = records;
  return lines.map((line) => {
    if (line.length !== header.length) throw new Error(`${line.length} fields, not ${header.length}`);
    return Object.fromEntries(header.map((name, at) => [name, line[at] ?? ""]));
  });
}
