/** Every statement in the source that touches a tenant's table restricts it to one organization. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

/**
 * Files whose statements concern all organizations. They work for the operator, and no request about one organization
 * runs them.
 */
const aboutAll: readonly RegExp[] = [
  // Due retries, pages and counts of stored events.
  /^src\/inbox\/(event-pages|stored-events)\.ts$/,
  /^src\/drift\/(check-everybody|due)\.ts$/,
  /^src\/sweep\/(repeat-erasures|retention|waiting)\.ts$/,
  /^src\/operations\/(organizations|sanity-check|silence|status)\.ts$/,
];

/** Tables and views whose rows belong to one organization. The log of sweeps belongs to none. */
function tenantTables(): string[] {
  const folder = "prisma/migrations";
  const sql = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readFileSync(path.join(folder, name, "migration.sql"), "utf8"))
    .join("\n");
  const created = [...sql.matchAll(/create (?:or replace )?(?:table|view) (\w+)([^;]*);/gi)];
  return created
    .filter(([, name, body]) => /organization_id/.test(body ?? "") && name !== "application_logs")
    .map(([, name]) => name ?? "");
}

const tables = tenantTables();

/** How often a statement reads from or writes to one of the tables. */
function references(text: string): number {
  const pattern = new RegExp(`\\b(?:from|join|into|update)\\s+(?:only\\s+)?(?:${tables.join("|")})\\b`, "gi");
  return [...text.matchAll(pattern)].length;
}

/**
 * How often a statement names the organization: in a comparison, as the first column of an insert, or by a row's
 * ctid.
 */
function bindings(text: string): number {
  const pattern =
    /organization_id\s*=|insert into \w+(?: as \w+)?\s*\(\s*organization_id|where ctid = any \(array\(/gi;
  return [...text.matchAll(pattern)].length;
}

/** The string and template literals of a file that name a table as SQL does, with their lines. */
function statementsOf(file: string): { readonly where: string; readonly text: string }[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const found: { where: string; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      const text = node.getText();
      if (references(text) > 0) found.push({ where: `${file}:${line + 1}`, text });
    } else {
      ts.forEachChild(node, visit);
    }
  };
  visit(source);
  return found;
}

test("every statement binds the organization for each tenant's table that it touches", () => {
  expect(tables).toEqual(expect.arrayContaining(["bookings", "customer_profiles", "webhook_events"]));
  const files = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("database/generated"))
    .map((name) => path.posix.join("src", name));
  const statements = files.filter((file) => !aboutAll.some((all) => all.test(file))).flatMap(statementsOf);
  expect(statements.length).toBeGreaterThan(20);
  const unbound = statements.filter(({ text }) => bindings(text) < references(text));
  expect(unbound.map(({ where, text }) => `${where} ${text}`)).toEqual([]);
});

test("the check finds a table that is read without its organization", () => {
  const careless =
    "select * from bookings b join payments p on p.customer_id = b.customer_id where b.organization_id = $1";
  expect([references(careless), bindings(careless)]).toEqual([2, 1]);
});
