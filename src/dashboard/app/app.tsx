import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import { ApiError } from "../api/client.js";
import { ExplainPanel } from "../shared/explain.js";
import { WithLive } from "../shared/live.js";
import { WithOrganization } from "../shared/organization.js";
import { PageHead } from "../shared/page.js";
import { PageLink } from "../shared/page-link.js";
import { Boundary, Skeleton } from "../shared/states.js";
import { SignIn } from "../sign-in/sign-in.js";
import { TodayPage } from "../today/today-page.js";
import { Frame } from "./frame.js";

// Loaded when they are opened: the first page is Today.
const CustomersPage = lazy(() => import("../customers/customers-page.js"));
const CustomerPage = lazy(() => import("../customer/customer-page.js"));
const TeamPage = lazy(() => import("../team/team-page.js"));
const TrustPage = lazy(() => import("../trust/trust-page.js"));
const DictionaryPage = lazy(() => import("../dictionary/dictionary-page.js"));

function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** A page of its own: what goes wrong in it ends with it. */
function Page({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  return (
    <Boundary key={path}>
      <Suspense fallback={<Skeleton lines={10} />}>{children}</Suspense>
    </Boundary>
  );
}

/** @param refused why the key in the address was not taken */
export function App({ refused }: { refused: Error | undefined }) {
  const [signedOut, setSignedOut] = useState(refused !== undefined);
  const [queries] = useState(() => {
    const onError = (error: unknown) => {
      if (isSignedOut(error)) setSignedOut(true);
    };
    return new QueryClient({
      queryCache: new QueryCache({ onError }),
      defaultOptions: {
        queries: {
          retry: (failures, error) =>
            failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
          retryDelay: 1_000,
          staleTime: 2_000,
          // What was shown stays until there is something newer.
          placeholderData: (before: unknown) => before,
        },
        mutations: { onError },
      },
    });
  });
  if (signedOut) {
    const enter = () => {
      queries.clear();
      setSignedOut(false);
    };
    return <SignIn enter={enter} refused={refused} />;
  }
  return (
    <QueryClientProvider client={queries}>
      <WithOrganization>
        <WithLive>
          <Frame leave={() => setSignedOut(true)}>
            <Page>
              <Switch>
                <Route path="/" component={TodayPage} />
                <Route path="/customers" component={CustomersPage} />
                <Route path="/customers/:id">{({ id }) => <CustomerPage id={id} key={id} />}</Route>
                <Route path="/team" component={TeamPage} />
                <Route path="/admin/jobs/status" component={TrustPage} />
                <Route path="/columns" component={DictionaryPage} />
                <Route>
                  <PageHead
                    title="There is no such page"
                    sentence={<PageLink href="/">Show Today</PageLink>}
                  />
                </Route>
              </Switch>
            </Page>
            <ExplainPanel />
          </Frame>
        </WithLive>
      </WithOrganization>
    </QueryClientProvider>
  );
}
