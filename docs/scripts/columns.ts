/**
 * Writes what follows from the column catalogue: docs/columns.md, the fields of the Prisma model, and the README's count.
 * Run by `npm run docs`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Column, type ColumnType, definitionVersion, isNullable } from "../../src/analytics/column.js";
import { columns } from "../../src/analytics/columns/catalogue.js";

/** The files that hold something of the catalogue, and what each should be, given what it is now. */
const pages: Readonly<Record<string, (text: string) => string>> = {
  "docs/columns.md": columnsPage,
  "prisma/schema.prisma": (text) =>
    text.replace(/(\/\/ Columns:.*\n)[\s\S]*?( {2}\/\/ End of columns)/, `$1${prismaFields()}$2`),
  "README.md": (text) => text.replace(/\[\d+ columns\]/, `[${columns.length} columns]`),
};

function columnsPage(): string {
  return `# Columns of \`customer_analytics\`

Written by \`npm run docs\` from the column catalogue (\`src/analytics/columns/catalogue.ts\`); edits belong there.
${columns.length} columns, definition version ${definitionVersion}.

The key is \`organization_id uuid, square_customer_id text\`. The id is the survivor's: a customer who was merged into
another has no row. A visit is an ACCEPTED booking whose start has passed. A visit day is a local day, of the booking's location,
with at least one visit. The technician id \`anyTeamMember\` is nobody. Money is in minor units of the customer's main currency. An empty cell under "NULL" means that the column always has a value.

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

const prismaTypes: Readonly<Record<ColumnType, readonly [type: string, attribute?: string]>> = {
  text: ["String"],
  integer: ["Int"],
  smallint: ["Int", "@db.SmallInt"],
  bigint: ["BigInt"],
  "numeric(24,2)": ["Decimal", "@db.Decimal(24, 2)"],
  "numeric(24,4)": ["Decimal", "@db.Decimal(24, 4)"],
  boolean: ["Boolean"],
  timestamptz: ["DateTime", "@db.Timestamptz(6)"],
  jsonb: ["Json"],
};

/** One field of the Prisma model for each column, under its camelCase name. */
function prismaFields(): string {
  const fields = columns.map((column) => {
    const field = column.name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
    const [type, attribute] = prismaTypes[column.type];
    const map = field === column.name ? [] : [`@map("${column.name}")`];
    return [field, `${type}${isNullable(column) ? "?" : ""}`, ...map, ...(attribute ? [attribute] : [])].join(
      " ",
    );
  });
  return fields.map((field) => `  ${field}\n`).join("");
}

/** The files that are not what the catalogue makes of them. */
export function outdatedPages(): string[] {
  return Object.entries(pages).flatMap(([file, made]) => {
    const text = readFileSync(file, "utf8");
    return made(text) === text ? [] : [file];
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [file, made] of Object.entries(pages)) writeFileSync(file, made(readFileSync(file, "utf8")));
}
