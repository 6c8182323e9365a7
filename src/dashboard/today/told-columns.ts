/** What somebody acts on is told before counts and money. */
const FIRST: readonly string[] = ["is_overdue", "customer_segment"];

/** The changed columns in the order in which a change is told. */
export function inToldOrder(columns: readonly string[]): string[] {
  return [
    ...FIRST.filter((each) => columns.includes(each)),
    ...columns.filter((each) => !FIRST.includes(each)),
  ];
}
