import type { Status } from "../api/types.js";
import { ago, count, words } from "../shared/format.js";
import { ScrollBox } from "../shared/scroll-box.js";
import { Empty } from "../shared/states.js";

/** How long nothing was heard of each location, beside what is usual there on this weekday. */
export function Silence({ silence }: { silence: Status["silence"] }) {
  return (
    <>
      <h2>Silence by location</h2>
      {silence.length === 0 && <Empty title="Nothing was heard of any location in nine weeks." />}
      <dl className="facts-list">
        {silence.map((each) => (
          <div key={`${each.organization_id} ${each.location_id}`}>
            <dt>
              {each.location_name} {each.is_silent && <strong className="warn">longer than usual</strong>}
            </dt>
            <dd>
              {hours(each.silent_hours)}{" "}
              <span className="muted small">
                {each.usual_hours === null ? "too new to tell" : `usually up to ${hours(each.usual_hours)}`}
              </span>
            </dd>
          </div>
        ))}
      </dl>
      <p className="small muted">Time since the last booking or payment, as Square dates them.</p>
    </>
  );
}

function hours(value: number): string {
  if (value < 1) return `${Math.round(value * 60)} min`;
  return value < 48 ? `${Math.round(value)} h` : `${Math.round(value / 24)} days`;
}

/** How far each list of Square's has been read, by seller. */
export function Watermarks({ organizations }: { organizations: Status["organizations"] }) {
  const now = new Date();
  return (
    <>
      <h2>Sellers</h2>
      <ScrollBox label="Sellers" className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Seller</th>
              <th scope="col">Status</th>
              <th scope="col">Last event</th>
              <th scope="col">Last pull</th>
              <th scope="col" className="number">
                To be fetched
              </th>
              <th scope="col">Lists read until</th>
            </tr>
          </thead>
          <tbody>
            {organizations.map((each) => (
              <tr key={each.organization_id}>
                <td>{each.name}</td>
                <td className={each.status === "active" ? "" : "warn"}>{each.status}</td>
                <td>{each.last_event_at ? ago(each.last_event_at, now) : "none"}</td>
                <td>
                  {each.has_access_token
                    ? each.last_pull_at
                      ? ago(each.last_pull_at, now)
                      : "none yet"
                    : "no token"}
                  {each.unfinished_pulls > 0 && (
                    <span className="warn"> {each.unfinished_pulls} unfinished</span>
                  )}
                </td>
                <td className="number">{count(each.pending_fetches)}</td>
                <td className="small muted">
                  {Object.entries(each.watermarks)
                    .map(([list, until]) => `${words(list)} ${ago(String(until), now)}`)
                    .join(" · ") || "–"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </>
  );
}
