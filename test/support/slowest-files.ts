/** `npm test` ends with the tests that were not run, their reasons, and the slowest files. */
import path from "node:path";
import type { Reporter, TestModule } from "vitest/node";

const SHOWN = 10;

export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = [...skippedTests(modules), ...slowest(modules)];
    if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n\n`);
  }
}

function nameOf({ project, moduleId }: TestModule): string {
  return `${project.name} ${path.relative(process.cwd(), moduleId)}`;
}

/** In a run of tests chosen by name, skipped tests are not listed. */
function skippedTests(modules: readonly TestModule[]): string[] {
  return modules.flatMap((module) => {
    if (module.project.config.testNamePattern) return [];
    return Array.from(module.children.allTests("skipped"), (test) => {
      const result = test.result();
      const reason = result.state === "skipped" ? result.note : undefined;
      return ` Not run: ${nameOf(module)} > ${test.fullName}${reason ? `: ${reason}` : ""}`;
    });
  });
}

/** A run of a few files has no slowest ones. */
function slowest(modules: readonly TestModule[]): string[] {
  if (modules.length <= SHOWN) return [];
  const timed = modules.map((module) => {
    const { collectDuration, setupDuration, duration } = module.diagnostic();
    return { seconds: (collectDuration + setupDuration + duration) / 1000, name: nameOf(module) };
  });
  const longest = timed.sort((a, b) => b.seconds - a.seconds).slice(0, SHOWN);
  return [
    ` The slowest of ${modules.length} files, in seconds:`,
    ...longest.map(({ seconds, name }) => `${seconds.toFixed(1).padStart(8)}  ${name}`),
  ];
}
