import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import files from "@fastify/static";
import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";

/**
 * The dashboard's addresses. All are the same file, and the browser decides what it shows. They need no key: they
 * hold no data.
 */
export const dashboardPages: readonly string[] = [
  "/",
  "/customers",
  "/customers/:squareCustomerId",
  "/team",
  "/columns",
];

/** Returns the Trust page to a browser, and JSON to other clients. */
const STATUS = "/admin/jobs/status";

/** The page loads files and data from this server only, and has no inline code. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NOT_BUILT =
  '<!doctype html><html lang="en"><title>Regulars</title><h1>Regulars</h1>' +
  "<p>The dashboard is not built. Run <code>npm run build</code> in the server's folder, then load this page again.</p>";

/** The output folders of `vite build`, relative to src/http and to dist/src/http. */
const BUILDS = ["../../dist/dashboard", "../../dashboard"].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

/**
 * The dashboard's pages and files. They contain no data, so they need no key. They request their data from the API.
 * Register them before the routes behind the key.
 *
 * @param folder the output of `vite build`; without it the pages name the command that builds them
 */
export function dashboardRoutes(folder = BUILDS.find((build) => existsSync(path.join(build, "index.html")))) {
  return fp(async (app) => {
    const sendPage = async (_request: FastifyRequest, reply: FastifyReply) => {
      const page = folder === undefined ? NOT_BUILT : await readFile(path.join(folder, "index.html"), "utf8");
      // It names the current files, so a browser asks for it each time.
      return reply
        .headers({ "content-security-policy": POLICY, "cache-control": "no-cache" })
        .type("text/html; charset=utf-8")
        .send(page);
    };

    for (const page of dashboardPages) app.get(page, { schema: { hide: true } }, sendPage);
    app.addHook("onRequest", async (request, reply) => {
      if (request.routeOptions.url !== STATUS) return;
      reply.header("vary", "Accept");
      if (wantsPage(request)) return sendPage(request, reply);
    });

    if (folder === undefined) return;
    // The names of built files carry a digest of their content.
    await app.register(files, {
      root: path.join(folder, "assets"),
      prefix: "/assets/",
      immutable: true,
      maxAge: "365d",
      preCompressed: true,
      index: false,
    });
  });
}

function wantsPage({ method, headers }: FastifyRequest): boolean {
  return (method === "GET" || method === "HEAD") && (headers.accept ?? "").includes("text/html");
}
