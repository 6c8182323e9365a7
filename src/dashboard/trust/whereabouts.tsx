import type { Status } from "../api/types.js";
import { ago, count, time, words } from "../shared/format.js";
import { Name } from "../shared/name.js";
import { useOrganization } from "../shared/organization.js";
import { ScrollBox } from "../shared/scroll-box.js";
import { useShowAll } from "../shared/show-all.js";
import { Empty } from "../shared/states.js";

const LOCATIONS = 12;

/** How long nothing was heard of each location, beside what is usual there on this weekday. */
export function Silence({ silence }: { silence: Status["silence"] }) {
  const silentFirst = [...silence].sort((a, b) => Number(b.is_silent) - Number(a.is_silent));
  const { shown, rest } = useShowAll(silentFirst, LOCATIONS, "silence");
  return (
    <>
      <h2>Silence by location</h2>
      {silence.length === 0 && <Empty title="Nothing was heard of any location in nine weeks." />}
      <dl className="facts-list">
        {shown.map((each) => (
          <div key={`${each.organization_id} ${each.location_id}`}>
            <dt>
              <Name id={each.location_id} name={each.location_name} />{" "}
              {each.is_silent && <strong className="warn">longer than usual</strong>}
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
      {rest}
      <p className="small muted">Time since the last booking or payment, as Square dates them.</p>
    </>
  );
}

function hours(value: number): string {
  if (value < 1) return `${Math.round(value * 60)} min`;
  return value < 48 ? `${Math.round(value)} h` : `${Math.round(value / 24)} days`;
}

/** The webhook subscription at Square, and what to do when it is not right. */
export function Subscription({ subscription }: { subscription: Status["subscription"] }) {
  return (
    <>
      <h2>Webhook subscription</h2>
      {subscription === null ? (
        <p className="small muted">
          Not checked. Set <code>SQUARE_APPLICATION_ACCESS_TOKEN</code>, and the server compares it with
          Square.
        </p>
      ) : (
        <>
          <dl className="facts-list">
            {Object.entries(subscription.points).map(([point, isRight]) => (
              <div key={point}>
                <dt>{POINT_WORDS[point] ?? words(point)}</dt>
                <dd className={isRight === false ? "bad" : ""}>
                  {isRight === null ? "unknown" : isRight ? "right" : "wrong"}
                </dd>
              </div>
            ))}
          </dl>
          {subscription.problem && (
            <p className={`small ${subscription.level === "error" ? "bad" : "warn"}`}>
              {subscription.problem}. To do: {subscription.remedy}.
            </p>
          )}
          <p className="small muted">
            {subscription.checked_at
              ? `Square was asked ${ago(subscription.checked_at, new Date())}.`
              : "Square was not asked yet."}
          </p>
        </>
      )}
    </>
  );
}

const POINT_WORDS: Readonly<Record<string, string>> = {
  address: "Address",
  enabled: "Enabled",
  signature_key: "Signature key",
  event_types: "Event types",
  api_version: "API version",
};

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
              <th scope="col">Access token</th>
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
                <td>
                  <Token token={each.token} />
                </td>
                <td>{each.last_event_at ? ago(each.last_event_at, now) : "none"}</td>
                <td>
                  {each.last_pull_at ? ago(each.last_pull_at, now) : "none yet"}
                  {each.unfinished_pulls > 0 && (
                    <span className="warn"> {each.unfinished_pulls} unfinished</span>
                  )}
                </td>
                <td className="number">
                  {count(each.pending_fetches)}
                  {each.pending_fetches > 0 && each.token.state === "none" && (
                    <span className="small muted"> needs a token</span>
                  )}
                </td>
                <td className="small muted long">
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

/** Until when a token is valid, and what to do when it is not. */
function Token({
  token: { state, expires_at, remedy },
}: {
  token: Status["organizations"][number]["token"];
}) {
  const { time_zone: timeZone } = useOrganization();
  if (state === "none") return "none";
  const until = expires_at === null ? "no end is known" : `until ${time(expires_at, timeZone)}`;
  if (remedy === null) return <span className="small">{until}</span>;
  return (
    <>
      <span className={state === "late" ? "warn" : "bad"}>{TOKEN_WORDS[state]}</span>
      <span className="small dead-error">To do: {remedy}.</span>
    </>
  );
}

const TOKEN_WORDS = {
  valid: "valid",
  late: "not renewed in time",
  expired: "expired",
  revoked: "revoked by the seller",
} as const;
