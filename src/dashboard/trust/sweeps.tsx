import type { Status } from "../api/types.js";
import { ago, count, duration } from "../shared/format.js";
import { ScrollBox } from "../shared/scroll-box.js";
import { Empty } from "../shared/states.js";

/** The last sweeps with their steps. */
export function Sweeps({ sweeps }: { sweeps: Status["sweeps"] }) {
  return (
    <>
      <h2>Sweeps</h2>
      {sweeps.length === 0 ? (
        <Empty title="No sweep yet.">
          The server starts one each hour; <code>npm run regulars -- reconcile</code> starts one now.
        </Empty>
      ) : (
        <ScrollBox label="Sweeps" className="table-box">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Began</th>
                <th scope="col">Mode</th>
                <th scope="col">Status</th>
                <th scope="col" className="number">
                  Compared
                </th>
                <th scope="col" className="number">
                  Differed
                </th>
                <th scope="col" className="number">
                  By the clock
                </th>
                <th scope="col" className="number">
                  Took
                </th>
                <th scope="col">Steps</th>
              </tr>
            </thead>
            <tbody>
              {sweeps.map((sweep) => (
                <tr key={sweep.cron_id}>
                  <td>{ago(sweep.created_at, new Date())}</td>
                  <td>{sweep.mode}</td>
                  <td className={sweep.status === "error" ? "bad" : ""}>
                    {sweep.status}
                    {sweep.errors.map(({ step, message }) => (
                      <span key={`${step} ${message}`} className="small dead-error">
                        {step}: {message}
                      </span>
                    ))}
                  </td>
                  <td className="number">{optional(sweep.checked)}</td>
                  <td className="number">{optional(sweep.drifted)}</td>
                  <td className="number">{optional(sweep.time_decayed)}</td>
                  <td className="number">{sweep.duration_ms === null ? "–" : duration(sweep.duration_ms)}</td>
                  <td className="small muted long">
                    {sweep.steps
                      .map(({ step, duration_ms }) => `${step} ${duration(duration_ms)}`)
                      .join(" · ")}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
    </>
  );
}

function optional(value: number | null): string {
  return value === null ? "–" : count(value);
}
