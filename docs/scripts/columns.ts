/**
 * Writes everything that is generated from the column catalogue: docs/columns.md, the fields of the Prisma model and
 * the README's count. `npm run docs` runs this.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Column, type ColumnType, definitionVersion, isNullable } from "../../src/analytics/column.js";
import { columns } from "../../src/analytics/columns/catalogue.js";

/** The files with generated parts. Each function turns the file's text into the current one. */
const pages: Readonly<Record<string, (text: string) => string>> = {
  "docs/columns.md": columnsPage,
  "prisma/schema.prisma": (text) =>
    text.replace(/(\/\/ Columns:.*\n)[\s\S]*?( {2}\/\/ End of columns)/, `$1${prismaFields()}$2`),
  "README.md": (text) => text.replace(/\[\d+ columns\]/, `[${columns.length} columns]`),
};

function columnsPage(): string {
  return `# Columns of \`customer_analytics\`

Written by \`npm run docs\` from the column catalogue (\`src/analytics/columns/\`). Edit the catalogue, not this page.
${columns.length} columns, definition version ${definitionVersion}.

The key is \`organization_id uuid, square_customer_id text\`. The id is the survivor's. A customer who was merged into
another has no row.

- A **visit** is an ACCEPTED booking whose start has passed.
- A **visit day** is a local day, in the time zone of the booking's location, with at least one visit.
- **Payments** are COMPLETED payments in the customer's main currency, unless a column says otherwise. Money is in minor
  units of that currency.
- **Most** and **most frequent**: on a tie the value used most recently, then the smallest.
- **Technicians** are team members. The id \`anyTeamMember\` counts as no technician.
- **Rates** are rounded to 4 places, days and hours to 2. They are NULL where the divisor is 0.

An empty cell under "NULL" means that the column is never NULL. A column with an entry under "clock" also changes without
any event, at the named instants. The row's \`refresh_due_at\` is the earliest future one of these instants.

| column | type | unit | NULL | what it is | clock |
| --- | --- | --- | --- | --- | --- |
${columns.map(line).join("\n")}

About the row itself:

| column | type | what it is |
| --- | --- | --- |
| \`created_at\` | timestamptz | When the row was created. |
| \`updated_at\` | timestamptz | When a value last changed. A recompute without changes writes nothing. |
| \`computed_at\` | timestamptz | When the row was last computed and written. It is exact until \`refresh_due_at\`. |
| \`refresh_due_at\` | timestamptz | The next instant at which the clock alone changes a value. NULL: never. |
| \`definition_version\` | integer | The version of the definitions that computed the row. |
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

/** The files that differ from their generated text. */
export function outdatedPages(): string[] {
  return Object.entries(pages).flatMap(([file, made]) => {
    const text = readFileSync(file, "utf8");
    return made(text) === text ? [] : [file];
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [file, made] of Object.entries(pages)) writeFileSync(file, made(readFileSync(file, "utf8")));
}
