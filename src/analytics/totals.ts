/** Generates the part of the one statement that aggregates a customer's rows into values. */
import { type Column, type CountedColumn, emptyValue, type RowSource } from "./column.js";
import { columns } from "./columns/catalogue.js";
import { instants } from "./columns/instants.js";
import { sources } from "./relations.js";

const counted = columns.filter(
  (column): column is CountedColumn => column.from !== "profile" && column.from !== "columns",
);

/** The clock instants that are computed from rows. */
const rowInstants = Object.entries(instants).flatMap(([name, instant]) =>
  instant.from === "columns" ? [] : [{ name, ...instant }],
);

/** The select list over `totals`: every counted column, cast to its type, and the clock instants. */
export function countedValues(): string[] {
  return [
    ...counted.map((column) => {
      const { name, type, aggregate } = column;
      const found = aggregate === "main currency" ? "(select main_currency from main_currency)" : name;
      const empty = emptyValue(column);
      const value = empty === undefined ? found : `coalesce(${found}, ${empty})`;
      return `${aggregate === "sum" ? `saturated_${type}(${value})` : `${value}::${type}`} as ${name}`;
    }),
    ...rowInstants.map(({ name }) => name),
  ];
}

/** A `from` list that yields exactly one row, over the relations of one customer. */
export function totals(): string {
  const [first, ...others] = [...aggregates(), modes()];
  return [first, ...others.map((one) => `cross join ${one}`), ...picks()].join("\n      ");
}

/** A column as SQL for people: what the one statement computes, by itself. */
export function columnSql(column: Column): string {
  if (column.from === "profile") return `customers.${column.field}`;
  if (column.from === "columns") return oneLine(column.formula);
  const { from, where, aggregate, value } = column;
  const rows = `from ${from}${where === undefined ? "" : ` where ${where}`}`;
  const { at } = sources[from];
  switch (aggregate) {
    case "first":
    case "last":
      return oneLine(`select ${value} ${rows} order by ${orderOf(column)} limit 1`);
    case "mode":
      return oneLine(`select ${value} as value ${rows} group by value
        order by count(*) desc, max(${at}) desc, value collate "C" limit 1`);
    case "main currency":
      return oneLine(`select ${value} ${rows} group by ${value}
        order by count(*) desc, ${value} = organization.currency desc, ${value} collate "C" limit 1`);
    default: {
      const plain = plainAggregate(column);
      const empty = emptyValue(column);
      return oneLine(`select ${empty === undefined ? plain : `coalesce(${plain}, ${empty})`} from ${from}`);
    }
  }
}

function oneLine(sql: string): string {
  return sql.replaceAll(/\s+/g, " ").trim();
}

/** The order in which `first` and `last` are taken. */
function orderOf({ aggregate, from }: CountedColumn): string {
  const { at, id, order = [at, `${id} collate "C"`] } = sources[from];
  return order.map((key) => (aggregate === "last" ? `${key} desc` : key)).join(", ");
}

/** One pass over the rows of each relation: `(select <every aggregate> from <relation>)`. */
function aggregates(): string[] {
  const plain = counted.filter((column) => plainAggregate(column) !== undefined);
  const relations = new Set<RowSource>(plain.map(({ from }) => from));
  return [...relations].map((source) => {
    const values = [
      ...plain
        .filter(({ from }) => from === source)
        .map((column) => `${plainAggregate(column)} as ${column.name}`),
      ...rowInstants
        .filter(({ from }) => from === source)
        .map(({ name, where, value }) => `min(${value}) filter (where ${where}) as ${name}`),
    ];
    return `(select ${values.join(",\n        ")}
      from ${source}) as ${source}_totals`;
  });
}

/** The column as one aggregate expression over its rows. Undefined for aggregates that need a subselect. */
function plainAggregate({ from, where, aggregate, value, per = 1 }: CountedColumn): string | undefined {
  const counts = where === undefined ? "" : ` filter (where ${where})`;
  switch (aggregate) {
    case "count":
      return `count(*)${counts}`;
    case "count distinct":
      return `count(distinct ${value})${counts}`;
    case "any":
      return `bool_or(${where})`;
    case "sum":
    case "min":
    case "max":
      return `${aggregate}(${value})${counts}`;
    case "mean":
      return `sum(${value})${counts}::numeric / nullif(${per} * count(*)${counts}, 0)`;
    case "list": {
      const { at, id } = sources[from];
      return `jsonb_agg(${value} order by ${at} desc, ${id} collate "C")${counts}`;
    }
    default:
      return undefined;
  }
}

/** The first or last row of a relation. Columns of the same row share one left-joined subselect. */
function picks(): string[] {
  const picked = counted.filter(({ aggregate }) => aggregate === "first" || aggregate === "last");
  const rowOf = ({ aggregate, from, where }: CountedColumn) => JSON.stringify([aggregate, from, where]);
  return [...new Set(picked.map(rowOf))].map((row, index) => {
    const columns = picked.filter((column) => rowOf(column) === row);
    const column = columns[0] as CountedColumn;
    const { from, where = "true" } = column;
    return `left join (select ${columns.map(({ name, value }) => `${value} as ${name}`).join(",\n        ")}
      from (select * from ${from} where ${where} order by ${orderOf(column)} limit 1) as ${from}) as picked_${index} on true`;
  });
}

/** All modes in one subselect: it counts the uses of each value, then takes the best value of each column. */
function modes(): string {
  const columns = counted.filter(({ aggregate }) => aggregate === "mode");
  const uses = columns.map(
    ({ name, from, where = "true", value }) =>
      `select '${name}' as column_name, ${value} as value, ${sources[from].at} as used_at from ${from} where ${where}`,
  );
  const values = columns.map(({ name }) => `max(value) filter (where column_name = '${name}') as ${name}`);
  return `(
        select ${values.join(",\n          ")}
        from (
          select distinct on (column_name) column_name, value
          from (
            ${uses.join("\n            union all\n            ")}
          ) as usage where value is not null
          group by column_name, value
          order by column_name, count(*) desc, max(used_at) desc, value collate "C"
        ) as mode
      ) as modes`;
}
