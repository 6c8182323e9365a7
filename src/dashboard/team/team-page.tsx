import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { TeamAnswer } from "../api/types.js";
import { Figure } from "../shared/figure.js";
import { Name } from "../shared/name.js";
import { useApiPath } from "../shared/organization.js";
import { Card, Downloads, PageHead } from "../shared/page.js";
import { Placed, ScopeControls, useScope } from "../shared/scope.js";
import { ScrollBox } from "../shared/scroll-box.js";
import { useShowAll } from "../shared/show-all.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";
import { teamMeasures, writeTeamNumber } from "../shared/team-measures.js";
import { Retention } from "./retention.js";
import "../shared/table.css";
import "./team.css";

const MEMBERS = 30;

/** Who works with whom, and whether people come back. */
export default function TeamPage() {
  const scope = useScope();
  return (
    <div className="stack">
      <PageHead title="Team" sentence={scope.sentence}>
        <ScopeControls />
      </PageHead>
      <Placed>
        <Card>
          <TeamTable />
        </Card>
        <Card>
          <Retention />
        </Card>
      </Placed>
    </div>
  );
}

function TeamTable() {
  const scope = useScope();
  const path = useApiPath();
  const url = withQuery(path("team"), scope.query);
  const query = useQuery({ queryKey: ["team", url], queryFn: () => ask<TeamAnswer>(url) });
  const { shown, rest } = useShowAll(query.data?.team ?? [], MEMBERS, "team");
  if (query.isPending) return <Skeleton lines={10} />;
  if (query.isError) return <Failure title="By technician" error={query.error} retry={query.refetch} />;
  const { team, list_price_currency, note } = query.data;
  return (
    <>
      <div className="spread">
        <h2>By technician</h2>
        <Downloads of={path("team")} query={scope.query} />
      </div>
      {team.length === 0 ? (
        <Empty title="No visits in this period.">Choose a longer period, or another location.</Empty>
      ) : (
        <ScrollBox
          label="By technician"
          className={query.isPlaceholderData ? "table-box stale" : "table-box"}
        >
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
              {shown.map((member) => (
                <tr key={member.team_member_id}>
                  <td>
                    <Name id={member.team_member_id} name={member.name} />
                  </td>
                  {teamMeasures.map(({ name }) => (
                    <td key={name} className="number">
                      <Figure explain={`team/${name}/${member.team_member_id}`}>
                        {writeTeamNumber(name, member, list_price_currency)}
                      </Figure>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
      {rest}
      <p className="small muted">{note.replace("list_price_cents", "List value")}</p>
    </>
  );
}
