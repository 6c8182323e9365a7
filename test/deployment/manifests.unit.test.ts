import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Deployment } from "kubernetes-models/apps/v1";
import { CronJob, Job } from "kubernetes-models/batch/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Service } from "kubernetes-models/v1";
import { expect, onTestFinished, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { type Config, loadConfig } from "../../src/config.js";
import type { AnyJson } from "../support/any-json.js";
import { skipUnlessRequired } from "../support/skip.js";

const FOLDER = "docs/deploy/kubernetes";
const models = { Deployment, Job, CronJob, NetworkPolicy, PodDisruptionBudget, Service };
const manifests: AnyJson[] = readdirSync(FOLDER).flatMap((file) =>
  parseAllDocuments(readFileSync(path.join(FOLDER, file), "utf8")).map((document) => document.toJS()),
);
const podsOf = (manifest: AnyJson) =>
  (manifest.spec.jobTemplate?.spec ?? manifest.spec).template?.spec as AnyJson | undefined;
const pods = manifests.flatMap((manifest) => podsOf(manifest) ?? []);

function valid(manifest: AnyJson): void {
  const Model = models[manifest.kind as keyof typeof models] as new (data: AnyJson) => { validate(): void };
  new Model(manifest).validate();
}

test("every Kubernetes manifest is what the API's schema allows", () => {
  expect(manifests.map(({ kind }) => kind).sort()).toEqual(Object.keys(models).sort());
  for (const manifest of manifests) valid(manifest);
  expect(() =>
    valid({ ...manifests.find(({ kind }) => kind === "Service"), spec: { ports: [{}] } }),
  ).toThrow();
});

test("no container runs as root, gains rights or writes to its root file system", () => {
  expect(pods).toHaveLength(3);
  for (const pod of pods) {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    for (const { securityContext } of pod.containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  }
});

test("selectors, ports and secrets of the manifests fit together", () => {
  const of = (kind: string) => manifests.find((manifest) => manifest.kind === kind);
  const labels = of("Deployment").spec.template.metadata.labels;
  expect(of("Deployment").spec.replicas).toBe(2);
  for (const selector of [
    of("Deployment").spec.selector.matchLabels,
    of("Service").spec.selector,
    of("PodDisruptionBudget").spec.selector.matchLabels,
    of("NetworkPolicy").spec.podSelector.matchLabels,
  ]) {
    expect(labels).toMatchObject(selector);
  }
  const [server] = podsOf(of("Deployment")).containers;
  const [port] = server.ports;
  expect(of("Service").spec.ports[0].targetPort).toBe(port.name);
  expect(server.readinessProbe.httpGet).toEqual({ path: "/readyz", port: port.name });
  expect(server.livenessProbe.httpGet).toEqual({ path: "/healthz", port: port.name });
  for (const pod of pods) {
    const [volume] = pod.volumes;
    const [container] = pod.containers;
    expect(container.volumeMounts[0]).toEqual({
      name: volume.name,
      mountPath: "/etc/regulars",
      readOnly: true,
    });
    for (const { name, value } of container.env)
      if (name.endsWith("_FILE")) expect(value).toMatch(/^\/etc\/regulars\//);
  }
});

test("docs/upgrading.md makes of the migration's Job one that only asks for the state of the schema", () => {
  const [line = ""] =
    /^sed '.*migrate\.yaml(?= > status\.yaml$)/m.exec(readFileSync("docs/upgrading.md", "utf8")) ?? [];
  const status = parse(execFileSync("sh", ["-c", line], { encoding: "utf8" }));
  valid(status);
  const migration = manifests.find(({ kind }) => kind === "Job");
  const [container] = podsOf(status).containers;
  expect(container.command).toEqual(["node", "dist/src/main.js", "migrate", "--status"]);
  container.command.pop();
  expect(status).toEqual({
    ...migration,
    metadata: { ...migration.metadata, name: "regulars-status-0-1-0" },
  });
});

test("compose.yaml waits for Postgres and the migration, and hands over every secret as a file", () => {
  const { services, secrets } = parse(readFileSync("compose.yaml", "utf8"));
  expect(services.migrate.depends_on.postgres.condition).toBe("service_healthy");
  expect(services.server.depends_on.migrate.condition).toBe("service_completed_successfully");
  expect(services.postgres.healthcheck.test).toContain("pg_isready");
  // So that a variable in .env that has no line of its own is not lost.
  expect(services.server.env_file).toBe(".env");
  for (const { environment, secrets: used } of Object.values<AnyJson>(services)) {
    const files = Object.entries(environment).filter(([name]) => name.endsWith("_FILE"));
    const names = files.map(
      ([, file]) => /^(?:\$\{\w+:\+)?\/run\/secrets\/(\w+)\}?$/.exec(String(file))?.[1],
    );
    expect(names.sort()).toEqual([...used].sort());
    for (const name of used) expect(secrets[name]).toEqual({ file: `secrets/${name}` });
    for (const name of Object.keys(environment))
      expect(name).not.toMatch(/(KEY|SECRET|TOKEN|PASSWORD|_URL)$(?<!NOTIFICATION_URL)/);
  }
});

type Variables = Readonly<Record<string, string>>;

const REQUIRED: Variables = {
  database_url: "postgresql://regulars@postgres/regulars",
  square_webhook_signature_key: "signature-key",
  admin_api_key: "a".repeat(64),
  cron_secret: "c".repeat(64),
  token_encryption_key: Buffer.alloc(32, 7).toString("base64"),
};
const APPLICATION: Variables = {
  square_application_id: "sq0idp-of-the-test",
  square_application_secret: "sq0csp-of-the-test",
  square_application_access_token: "EAAA-of-the-test",
};

/** The environment of a process, by the folder of its secrets and their contents. */
type Environment = (folder: string, secrets: Variables) => NodeJS.Dict<string>;

const deployments: Record<string, Environment> = {
  "compose.yaml": (folder, secrets) => {
    const shell: NodeJS.Dict<string> = {
      SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example.com/webhooks/square",
      SQUARE_APPLICATION_ID: secrets.square_application_id,
    };
    const { environment } = parse(readFileSync("compose.yaml", "utf8")).services.server;
    const entries = Object.entries<string>(environment).map(([name, written]) => {
      const value = written.replace(
        /\$\{(\w+):([-+?])(.*?)\}/g,
        (_, variable, sign, word) => (shell[variable] && sign === "+" ? word : shell[variable]) ?? "",
      );
      return [name, value.replace("/run/secrets", folder)];
    });
    return Object.fromEntries(entries);
  },
  "server.yaml": ofPod("Deployment"),
  "sweep.yaml": ofPod("CronJob"),
  "regulars.service": (folder, secrets) => {
    const id = secrets.square_application_id;
    const file = readFileSync("docs/deploy/environment", "utf8");
    // The lines of the application stand behind a # that is taken away.
    const assigned = (id === undefined ? file : file.replaceAll(/^#(?=SQUARE_)/gm, "")).matchAll(
      /^(\w+)=(.*)$/gm,
    );
    const variables = Object.fromEntries(
      Array.from(assigned, ([, name, value = ""]) => [name, value.replace("/etc/regulars", folder)]),
    );
    return { ...variables, ...(id !== undefined && { SQUARE_APPLICATION_ID: id }) };
  },
};

test("on a systemd host a command has the server's user, folder and environment", () => {
  const unit = readFileSync("docs/deploy/regulars.service", "utf8");
  const of = (name: string) => unit.match(new RegExp(`^${name}=(.*)$`, "m"))?.[1];
  const command =
    `sudo -u ${of("User")} env -C ${of("WorkingDirectory")} ` +
    of("ExecStart")
      ?.replace("/usr/bin/node", `node --env-file=${of("EnvironmentFile")}`)
      .replace(" serve", "");
  expect(readFileSync("docs/deployment.md", "utf8")).toContain(`\nalias regulars='${command}'\n`);
});

function ofPod(kind: string): Environment {
  const [{ env }] = podsOf(manifests.find((manifest) => manifest.kind === kind)).containers;
  return (folder, secrets) =>
    Object.fromEntries(
      env.map(({ name, value, valueFrom }: AnyJson) => {
        if (value !== undefined) return [name, value.replace("/etc/regulars", folder)];
        expect(valueFrom.secretKeyRef).toMatchObject({ name: "regulars", optional: true });
        return [name, secrets[valueFrom.secretKeyRef.key]];
      }),
    );
}

/** A secret that is left out is an empty file. */
function configuredBy(environment: Environment, secrets: Variables): Config {
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-secrets-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of Object.keys({ ...REQUIRED, ...APPLICATION }))
    writeFileSync(path.join(folder, name), secrets[name] ?? "");
  const env = environment(folder, secrets);
  return environment === deployments["sweep.yaml"]
    ? loadConfig(env, { require: "command" })
    : loadConfig(env, { require: "serve" });
}

test.each(Object.entries(deployments))(
  "%s offers what connects sellers, checks the subscription and renews tokens",
  (file, environment) => {
    const { square, tokenEncryptionKey } = configuredBy(environment, { ...REQUIRED, ...APPLICATION });
    expect(square.application).toEqual({
      id: APPLICATION.square_application_id,
      secret: APPLICATION.square_application_secret,
      redirectUrl: "https://regulars.example.com/connect/square/callback",
    });
    expect(tokenEncryptionKey).toEqual(Buffer.alloc(32, 7));
    // Only a server checks the subscription.
    if (file !== "sweep.yaml")
      expect(square.applicationAccessToken).toBe(APPLICATION.square_application_access_token);
  },
);

test.each(Object.entries(deployments))("%s needs no application at Square", (_, environment) => {
  const { square } = configuredBy(environment, REQUIRED);
  expect(square.application).toBeUndefined();
  expect(square.applicationAccessToken).toBeUndefined();
});

const linters = {
  yamllint: [
    "-s",
    "-d",
    "{extends: default, rules: {line-length: {max: 120}, document-start: disable}}",
    "compose.yaml",
    FOLDER,
  ],
  shellcheck: ["scripts/deploy.sh"],
  "systemd-analyze": ["verify", "docs/deploy/regulars.service"],
};

test.for(Object.entries(linters))(
  "%s finds nothing in the files of a deployment",
  ([tool, parameters], context) => {
    const { error, status, stdout, stderr } = spawnSync(tool, parameters, { encoding: "utf8" });
    // A machine without systemd has no use for its linter, and a container cannot install it.
    if (error && tool === "systemd-analyze") context.skip(`${tool} is not on this machine`);
    skipUnlessRequired(context, error && `${tool} is not on this machine (apt-get install ${tool})`);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  },
);
