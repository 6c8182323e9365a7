import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";
import { ask } from "../api/client.js";
import type { Organization } from "../api/types.js";
import { useAddress } from "./address.js";
import { FirstSteps } from "./first-steps.js";
import { Empty, Failure, Skeleton } from "./states.js";

const Context = createContext<{ current: Organization; all: Organization[] } | undefined>(undefined);

/** Whose data the pages show: the organization that the address names; the first when it names none. */
export function WithOrganization({ children }: { children: ReactNode }) {
  const { parameters, change } = useAddress();
  const query = useQuery({
    queryKey: ["organizations"],
    queryFn: () => ask<{ organizations: Organization[] }>("/api/organizations"),
  });
  if (query.isPending) return <Skeleton lines={8} />;
  if (query.isError) {
    return (
      <Frameless>
        <Failure error={query.error} retry={query.refetch} />
      </Frameless>
    );
  }
  const all = query.data.organizations;
  const [first] = all;
  const named = parameters.get("organization") || first?.id;
  const current = all.find(({ id }) => id === named);
  if (!first) {
    return (
      <Frameless>
        <Empty title="No seller yet">
          Add one with <code>npm run regulars -- org add</code>. <FirstSteps />
        </Empty>
      </Frameless>
    );
  }
  if (!current) {
    return (
      <Frameless>
        <Empty title="There is no such seller.">
          <button
            type="button"
            className="button"
            onClick={() => change({ organization: undefined, location: undefined })}
          >
            Show {first.name}
          </button>
        </Empty>
      </Frameless>
    );
  }
  return <Context value={{ current, all }}>{children}</Context>;
}

/** A page without navigation, which is a seller's. */
function Frameless({ children }: { children: ReactNode }) {
  return (
    <main>
      <h1>Regulars</h1>
      {children}
    </main>
  );
}

/** Needs `WithOrganization` above. */
export function useOrganization(): Organization {
  return useOrganizations().current;
}

export function useOrganizations() {
  const value = useContext(Context);
  if (!value) throw new Error("There is no organization above this component.");
  return value;
}

/** The API's address of something of the organization. */
export function useApiPath(): (path: string) => string {
  const { id } = useOrganization();
  return (path) => `/api/organizations/${id}/${path}`;
}
