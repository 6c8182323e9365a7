import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { TeamMember } from "../api/types.js";
import { Figure } from "../shared/figure.js";
import { count, money } from "../shared/format.js";
import { useApiPath } from "../shared/organization.js";
import { Card, PageHead } from "../shared/page.js";
import { ScopeControls, useScope } from "../shared/scope.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";
import { teamMeasures } from "../shared/team-measures.js";
import { Retention } from "./retention.js";
import "../shared/table.css";
import "./team.css";

interface Answer {
  team: TeamMember[];
  list_price_currency: string;
  note: string;
}

/** Who works with whom, and whether people come back. */
export default function TeamPage() {
  const scope = useScope();
  return (
    <div className="stack">
      <PageHead title="Team" sentence={scope.sentence}>
        <ScopeControls />
      </PageHead>
      <Card>
        <TeamTable />
      </Card>
      <Card>
        <Retention />
      </Card>
    </div>
  );
}

function TeamTable() {
  const scope = useScope();
  const path = useApiPath();
  const url = withQuery(path("team"), scope.query);
  const query = useQuery({ queryKey: ["team", url], queryFn: () => ask<Answer>(url) });
  if (query.isPending) return <Skeleton lines={10} />;
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  const { team, list_price_currency, note } = query.data;
  const write = (name: string, member: TeamMember) => {
    if (name === "list_price_cents") return money(member.list_price_cents, list_price_currency);
    if (name === "booked_minutes") return count(Math.round(Number(member.booked_minutes) / 60));
    return count(member[name as keyof TeamMember] as number);
  };
  return (
    <>
      <div className="spread">
        <h2>By technician</h2>
        <a className="small" href={url} target="_blank" rel="noreferrer">
          JSON
        </a>
      </div>
      {team.length === 0 ? (
        <Empty title="No visits in this period.">Choose a longer period, or another location.</Empty>
      ) : (
        <div className={query.isPlaceholderData ? "table-box stale" : "table-box"}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Technician</th>
                {teamMeasures.map(({ name, label }) => (
                  <th key={name} scope="col" className="number">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {team.map((member) => (
                <tr key={member.team_member_id}>
                  <td>{member.name ?? member.team_member_id}</td>
                  {teamMeasures.map(({ name }) => (
                    <td key={name} className="number">
                      <Figure explain={`team/${name}`}>{write(name, member)}</Figure>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p className="small muted">{note.replace("list_price_cents", "List value")}</p>
    </>
  );
}
