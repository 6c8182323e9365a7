import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Deployment } from "kubernetes-models/apps/v1";
import { CronJob, Job } from "kubernetes-models/batch/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Service } from "kubernetes-models/v1";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { AnyJson } from "../support/any-json.js";

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

test("compose.yaml waits for Postgres and the migration, and hands over every secret as a file", () => {
  const { services, secrets } = parse(readFileSync("compose.yaml", "utf8"));
  expect(services.migrate.depends_on.postgres.condition).toBe("service_healthy");
  expect(services.server.depends_on.migrate.condition).toBe("service_completed_successfully");
  expect(services.postgres.healthcheck.test).toContain("pg_isready");
  for (const { environment, secrets: used } of Object.values<AnyJson>(services)) {
    const files = Object.entries(environment).filter(([name]) => name.endsWith("_FILE"));
    expect(files.map(([, file]) => path.basename(String(file))).sort()).toEqual([...used].sort());
    for (const name of used) expect(secrets[name]).toEqual({ file: `secrets/${name}` });
    for (const name of Object.keys(environment))
      expect(name).not.toMatch(/(KEY|SECRET|TOKEN|PASSWORD|_URL)$(?<!NOTIFICATION_URL)/);
  }
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

test.each(Object.entries(linters))("%s finds nothing in the files of a deployment", (tool, parameters) => {
  const { error, status, stdout, stderr } = spawnSync(tool, parameters, { encoding: "utf8" });
  if (error) return console.warn(`LEFT OUT: ${tool} is not on this machine (apt-get install ${tool})`);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
});
