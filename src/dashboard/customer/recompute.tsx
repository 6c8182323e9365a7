import { useMutation, useQueryClient } from "@tanstack/react-query";
import { send } from "../api/client.js";
import type { Recomputation } from "../api/types.js";
import { ColumnValue } from "../shared/column-value.js";
import { entryOf, useColumns } from "../shared/columns.js";
import { words } from "../shared/format.js";
import { useValueContext } from "../shared/names.js";
import { ScrollBox } from "../shared/scroll-box.js";
import { Failure } from "../shared/states.js";
import "../shared/table.css";

/** Recomputes the row now, and shows each column before and after. */
export function useRecompute(url: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => send<Recomputation>("POST", `${url}/recompute`),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["customer", url] }),
  });
}

export function RecomputeResult({ mutation }: { mutation: ReturnType<typeof useRecompute> }) {
  const dictionary = useColumns();
  const context = useValueContext();
  if (mutation.isError) return <Failure error={mutation.error} />;
  if (!mutation.data) return null;
  const drift = Object.entries(mutation.data.drift);
  if (drift.length === 0) {
    return (
      <p role="status" className="recompute">
        Recomputed from {mutation.data.customer ? "all bookings and payments" : "nothing"}: no column differs.
        The row was exact.
      </p>
    );
  }
  return (
    <div role="status" className="recompute">
      <ScrollBox label="What the recomputation changed" className="table-box">
        <table className="table">
          <caption className="visually-hidden">What the recomputation changed</caption>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {drift.map(([name, { before, after }]) => {
              const column = entryOf(dictionary.data, name);
              return (
                <tr key={name}>
                  <td>{words(name)}</td>
                  <td>
                    <ColumnValue column={column} value={before} context={context} />
                  </td>
                  <td>
                    <ColumnValue column={column} value={after} context={context} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </ScrollBox>
    </div>
  );
}
