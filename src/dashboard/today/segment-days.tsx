import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "../api/client.js";
import type { Organization } from "../api/types.js";
import { Fold } from "../shared/fold.js";
import { counted } from "../shared/format.js";
import { useOrganization } from "../shared/organization.js";
import { Failure } from "../shared/states.js";

type Days = Organization["segment_days"];

const FIELDS: readonly (readonly [name: keyof Days, label: string])[] = [
  ["new", "New: days after the first visit"],
  ["active", "Active: days after the last visit"],
  ["at_risk", "At risk: days after the last visit"],
];

/** Changes how many days the segments last. The server then recomputes every row in the background. */
export function SegmentDaysForm() {
  const { id, segment_days } = useOrganization();
  const queries = useQueryClient();
  const [days, setDays] = useState<Days>(segment_days);
  const change = useMutation({
    mutationFn: () =>
      send<{ customers: number }>("PATCH", `/api/organizations/${id}`, { segment_days: days }),
    onSuccess: () => queries.invalidateQueries(),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <Fold name="segment-days" className="small" summary="Change the days of the segments">
      <form className="segment-form" onSubmit={submit}>
        {FIELDS.map(([name, label]) => (
          <label key={name}>
            {label}
            <input
              className="field"
              type="number"
              required
              min={1}
              max={3_650}
              value={days[name] || ""}
              onChange={({ target }) => setDays({ ...days, [name]: Number(target.value) })}
            />
          </label>
        ))}
        <button type="submit" className="button" disabled={change.isPending}>
          Save
        </button>
      </form>
      {change.isError && <Failure error={change.error} />}
      {change.data && (
        <p role="status">
          {counted(change.data.customers, "customer")} came due. They are recomputed in the background.
        </p>
      )}
    </Fold>
  );
}
