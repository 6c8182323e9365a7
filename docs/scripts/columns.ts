/** Writes docs/columns.md from the column catalogue. Run by `npm run docs`. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Column, definitionVersion, isNullable } from "../../src/analytics/column.js";
import { columns } from "../../src/analytics/columns/catalogue.js";

const PAGE = fileURLToPath(new URL("../columns.md", import.meta.url));

/** The page as the catalogue has it now. */
export function columnsPage(): string {
  return `# Columns of \`customer_analytics\`

Written by \`npm run docs\` from the column catalogue (\`src/analytics/columns/catalogue.ts\`); edits belong there.
${columns.length} columns, definition version ${definitionVersion}.

The key is \`organization_id uuid, square_customer_id text\`. The id is the survivor's: a customer who was merged into
another has no row. A visit is an ACCEPTED booking whose start has passed. Money is in minor units of the customer's main
currency. An empty cell under "NULL" means that the column always has a value.

A column with an entry under "clock" also changes by time alone, at the instants named there, without any event.
The earliest of these instants still to come is the row's \`refresh_due_at\`.

| column | type | unit | NULL | what it is | clock |
| --- | --- | --- | --- | --- | --- |
${columns.map(line).join("\n")}

About the row itself:

| column | type | what it is |
| --- | --- | --- |
| \`created_at\` | timestamptz | when the row was born |
| \`updated_at\` | timestamptz | when a value last changed; a recompute that changes nothing writes nothing |
| \`computed_at\` | timestamptz | the row is exact from here until \`refresh_due_at\` |
| \`refresh_due_at\` | timestamptz | the earliest later instant at which the clock alone changes a value; NULL: never |
| \`definition_version\` | integer | the version of these definitions by which the row was computed |
`;
}

function line(column: Column): string {
  const cells = [
    `\`${column.name}\``,
    column.type,
    column.unit ?? "",
    isNullable(column) ? "yes" : "",
    column.description.replaceAll("|", "\\|"),
    column.clock?.map((name) => name.replaceAll("_", " ")).join(", ") ?? "",
  ];
  return `| ${cells.join(" | ")} |`;
}

export function readColumnsPage(): string {
  return readFileSync(PAGE, "utf8");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(PAGE, columnsPage());
