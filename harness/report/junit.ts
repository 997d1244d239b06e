/** The report as JUnit XML: a suite for each target and area of cases, so that any CI shows it. */
import { createRequire } from "node:module";
import type { Builder, TestCase } from "junit-report-builder";
import type { CaseResult, RunResult } from "../case/result-types.ts";
import { isFailure } from "./terminal.ts";

// The package exports the builder itself, where its types say that there is a default export.
const builder = createRequire(import.meta.url)("junit-report-builder") as Builder;

/** The XML text. A known failure is skipped with its reason; control characters, which XML cannot hold, are spelled out. */
export function junitText(result: RunResult): string {
  const report = builder.newBuilder().name("conformance");
  for (const target of result.targets) {
    const own = result.results.filter((one) => one.target === target);
    for (const area of new Set(own.map((one) => areaOf(one)))) {
      const suite = report.testSuite().name(`${target} ${area}`).timestamp(result.startedAt);
      const cases = own.filter((one) => areaOf(one) === area);
      suite.time(cases.reduce((sum, one) => sum + one.ms, 0) / 1000);
      for (const one of cases) addCase(suite.testCase(), one, `${target}.${area}`);
    }
  }
  return report.build();
}

function addCase(test: TestCase, one: CaseResult, className: string): void {
  test
    .className(className)
    .name(xmlText(`${one.case.id}: ${one.case.title}`))
    .file(`fixtures/recordings/${one.case.id}/case.json`)
    .time(one.ms / 1000);
  if (one.verdict === "known-failing") {
    test.skipped();
    test.standardOutput(xmlText(`known to fail: ${one.reason}`));
  }
  if (!isFailure(one.verdict)) return;
  const first = one.findings[0];
  const message = first === undefined ? one.verdict : `${first.by} ${first.at}: ${first.message.split("\n")[0]}`;
  test.failure(xmlText(message), one.verdict);
  const all = one.findings.map((finding) => `${finding.by} ${finding.at}: ${finding.message}`);
  test.stacktrace(xmlText([one.verdict, ...all].join("\n")));
}

function areaOf(one: CaseResult): string {
  return one.case.id.split("/")[0] ?? "";
}

/** XML 1.0 has no place for control characters, not even escaped ones. */
function xmlText(text: string): string {
  return text.replace(
    /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
