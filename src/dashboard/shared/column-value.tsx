import { Name } from "./name.js";
import { holdsId, type ValueContext, valueInWords } from "./value.js";

/** A column's value in words; of an id, what it stands for. */
export function ColumnValue({
  column,
  value,
  context,
}: {
  column: Parameters<typeof valueInWords>[0];
  value: unknown;
  context: ValueContext;
}) {
  if (holdsId(column.name) && typeof value === "string")
    return <Name id={value} name={context.names.get(value)} />;
  return valueInWords(column, value, context);
}
