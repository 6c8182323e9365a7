import { useAddress } from "../shared/address.js";
import { useColumns } from "../shared/columns.js";
import { Fold } from "../shared/fold.js";
import { counted, words } from "../shared/format.js";
import { PageHead } from "../shared/page.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";
import "../shared/controls.css";
import "./dictionary.css";

/** What every column means, and the SQL that computes it. */
export default function DictionaryPage() {
  const { parameters, change } = useAddress();
  const query = useColumns();
  const asked = parameters.get("q") ?? "";
  const terms = asked.toLowerCase().split(/\s+/).filter(Boolean);
  const found = query.data?.columns.filter(({ name, description }) => {
    const text = `${name} ${words(name)} ${description}`.toLowerCase();
    return terms.every((term) => text.includes(term));
  });
  return (
    <div className="stack">
      <PageHead
        title="Dictionary"
        sentence={
          query.data
            ? `${counted(query.data.columns.length, "column")} of each customer's row, definitions version ${query.data.definition_version}.`
            : "The columns of each customer's row."
        }
      >
        <div className="row">
          <input
            className="field"
            type="search"
            placeholder="Search"
            aria-label="Search the dictionary"
            value={asked}
            onChange={({ target }) => change({ q: target.value }, { replace: asked !== "" })}
          />
          <a className="button" href="/api/columns" target="_blank" rel="noreferrer">
            JSON
          </a>
        </div>
      </PageHead>
      {query.isPending && <Skeleton lines={14} />}
      {query.isError && <Failure error={query.error} retry={query.refetch} />}
      {found?.length === 0 && <Empty title="No column matches.">Search for less.</Empty>}
      {found && found.length > 0 && (
        <ul className="dictionary">
          {found.map((column) => (
            <li key={column.name} id={column.name}>
              <div className="spread">
                <h2>{words(column.name)}</h2>
                <code className="muted">{column.name}</code>
              </div>
              <p>{column.description}</p>
              <p className="small muted">
                {[
                  column.unit ?? column.type,
                  column.nullable ? "may be empty" : "always has a value",
                  column.clock_driven ? "changes by the clock too" : "changes by events only",
                ].join(" · ")}
              </p>
              <Fold name={column.name} summary={<span className="small">SQL</span>}>
                <pre>{column.sql}</pre>
              </Fold>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
