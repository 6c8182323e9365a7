import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import type { Database } from "../../src/database/database.js";

/**
 * The SQL with which Prisma's schema engine would turn the database into the schema of prisma/schema.prisma. It is
 * `-- This is an empty migration.` when they are equal.
 */
export async function schemaDifference(database: Database): Promise<string> {
  await engineLoaded;
  const schema = "prisma/schema.prisma";
  const files = [{ path: schema, content: await readFile(schema, "utf8") }];
  const engine = await bindings.SchemaEngine.new(
    { datamodels: files.map(({ path, content }) => [path, content]) },
    () => {},
    bindMigrationAwareSqlAdapterFactory(new CatalogueReader(database.pool)),
  );
  const { stdout } = await engine.diff({
    from: { tag: "schemaDatasource", files, configDir: "." },
    to: { tag: "schemaDatamodel", files },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  return stdout?.trim() ?? "";
}

/**
 * The engine reads columns of the catalogue's one-byte type "char", which the driver adapter does not know. So the
 * pool gives the adapter such columns as text, and the adapter's answer gives them to the engine as characters.
 */
class CatalogueReader extends PrismaPg {
  readonly #characters: Set<string>;

  constructor(pool: pg.Pool) {
    const characters = new Set<string>();
    super(renamingCharColumns(pool, characters));
    this.#characters = characters;
  }

  override async connect() {
    const adapter = await super.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      const columnTypes = result.columnNames.map((name, index) =>
        this.#characters.has(name)
          ? ColumnTypeEnum.Character
          : (result.columnTypes[index] ?? ColumnTypeEnum.Text),
      );
      return { ...result, columnTypes };
    };
    return adapter;
  }
}

function renamingCharColumns(pool: pg.Pool, characters: Set<string>): pg.Pool {
  const { builtins } = pg.types;
  const query = async (config: pg.QueryConfig) => {
    const result = await pool.query(config);
    for (const field of result.fields) {
      if (field.dataTypeID !== builtins.CHAR) continue;
      characters.add(field.name);
      field.dataTypeID = builtins.TEXT;
    }
    return result;
  };
  return Object.assign(Object.create(pool), { query });
}

/** The package's entry imports its .wasm as a module. Node does not support that. */
async function loadEngine(): Promise<void> {
  const entry = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const bytes = await readFile(path.join(path.dirname(entry), "schema_engine_bg.wasm"));
  const { instance } = await webAssembly.instantiate(bytes, { "./schema_engine_bg.js": bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

/** Node has WebAssembly, but its types do not. */
const webAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
} = Reflect.get(globalThis, "WebAssembly");

const engineLoaded = loadEngine();
