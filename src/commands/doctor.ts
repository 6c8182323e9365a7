import { Command } from "commander";
import { systemClock } from "../clock.js";
import { type DoctorTools, doctor } from "../operations/doctor.js";
import type { Finding } from "../operations/finding.js";
import { openSquareApi } from "../square/api/client.js";
import { print, subscriptionsOf } from "./context.js";
import { jsonOption } from "./options.js";

const WORDS: Readonly<Record<Finding["status"], string>> = {
  pass: "pass",
  warning: "warn",
  fail: "FAIL",
  skipped: "skip",
};

const HELP = `
Examples:
  regulars doctor
  regulars doctor --json | jq '.findings[] | select(.status == "fail")'`;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "Check configuration, database and Square. Say what to do about each problem. Changes nothing. Exits 1 when a check " +
        "fails.",
    )
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async ({ json }: { json?: boolean }) => {
      const findings: Finding[] = [];
      const patience = { attempts: 2, timeoutMs: 10_000 };
      const tools: DoctorTools = {
        env: process.env,
        clock: systemClock,
        openApi:
          ({ environment, baseUrl }) =>
          (access) =>
            openSquareApi({ ...access, environment, baseUrl, ...patience }),
        openSubscriptions: (square) => subscriptionsOf(square, patience),
      };
      for await (const finding of doctor(tools)) {
        findings.push(finding);
        if (!json) print(false, finding, describe(finding));
      }
      const passed = findings.every(({ status }) => status !== "fail");
      if (json) print(true, { passed, findings }, []);
      if (!passed) process.exitCode = 1;
    });
}

function describe({ check, status, message, remedy }: Finding): string[] {
  const line = `${WORDS[status]}  ${check}: ${message}`;
  return remedy === undefined ? [line] : [line, `      To do: ${remedy}`];
}
