/** The reports of a run: what a terminal, a CI and a browser make of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import t, { type Test } from "tap";
import { htmlPage } from "../report/html.ts";
import { junitText } from "../report/junit.ts";
import { report } from "../report/report.ts";
import { type Screen, screenOf } from "../report/screen.ts";
import { terminalProgress, terminalSummary } from "../report/terminal.ts";
import { hostileText, sampleRun } from "./support/sample-run.ts";

function screenTo(lines: string[], more: Partial<Screen> = {}): Screen {
  return { write: (text) => void lines.push(text), color: false, live: false, columns: 100, ...more };
}

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), "reelcache-report-"));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

t.test("the summary shows each failure with its first difference, the worst first, and counts by target", async (t) => {
  const text = terminalSummary(screenTo([]), sampleRun());
  t.match(
    text,
    /✗ failed ranges\/wrong \(reference, 13 ms\)\n {2}What ranges\/wrong proves <b>\n {2}R-RANGE-1 · a-fault\n/,
  );
  t.match(text, /seal first: head, line 3 of 4\n {6}sealed {5}Content-Length: 4\n {6}reference {2}Content-Length: 5/);
  t.match(text, /npm run conformance -- --only ranges\/wrong --target reference/);
  t.match(text, /~ known to fail security\/known .*: it never did/);
  t.match(text, /! passed though known to fail security\/healed/);
  const order = ["ranges/wrong", "security/healed", "ranges/new"].map((id) => text.indexOf(`${id} (`));
  t.strictSame(
    order,
    order.toSorted((one, other) => one - other),
  );
  t.match(text, /reference: 1 failed, 1 passed though known to fail, 1 without a seal, 1 known to fail, 1 passed\n/);
  t.match(text, /swift: 2 passed\n7 results in 1.2 s, seed 7\n$/);
  t.notMatch(text, "\x1b", "no colours");
});

t.test("colours and the written-over line are for terminals that want them", async (t) => {
  const stream = { isTTY: true, columns: 80, write: () => true };
  t.match(screenOf(stream, {}), { color: true, live: true, columns: 80 });
  t.match(screenOf(stream, { NO_COLOR: "1" }), { color: false, live: true });
  t.match(screenOf(stream, { CI: "true" }), { color: true, live: false });
  t.match(screenOf(stream, { TERM: "dumb" }), { color: false, live: false });
  t.match(screenOf({ write: () => true }, {}), { color: false, live: false });
  t.match(screenOf({ write: () => true }, { FORCE_COLOR: "1" }), { color: true, live: false });
  t.match(terminalSummary(screenTo([], { color: true }), sampleRun()), /\x1b\[31m✗ failed\x1b\[39m/);
});

t.test("progress is one line on a terminal, and elsewhere a line for failures and tenths", async (t) => {
  const run = sampleRun();
  const live: string[] = [];
  const plain: string[] = [];
  for (const [lines, isLive] of [
    [live, true],
    [plain, false],
  ] as const) {
    const progress = terminalProgress(screenTo(lines, { live: isLive }));
    for (const [at, result] of run.results.entries()) progress.onResult(result, at + 1, run.results.length);
    progress.end();
  }
  t.match(live.join(""), /\r\x1b\[K7\/7 ✗ 1 ! 1 \? 1 ~ 1 ✓ 3 ranges\/wrong\r\x1b\[K$/);
  t.match(plain.join(""), /^1 of 7 done: ✓ 1\n✗ failed ranges\/wrong \(reference, 13 ms\)\n/);
  t.match(plain.join(""), /7 of 7 done: ✗ 1 ! 1 \? 1 ~ 1 ✓ 3\n$/);
});

t.test(
  "JUnit XML has a suite for each target and area, failures with all findings, and no character that XML forbids",
  async (t) => {
    const xml = junitText(sampleRun());
    t.match(xml, /<testsuites name="conformance" tests="7" failures="3" errors="0" skipped="1">/);
    t.equal(xml.match(/<testsuite /g)?.length, 3);
    t.match(
      xml,
      /<testsuite name="reference ranges" timestamp="2026-11-20T06:00:00.000Z" time="0.0375" tests="3" failures="2"/,
    );
    t.match(xml, /classname="reference.ranges" name="ranges\/wrong: What ranges\/wrong proves &lt;b(>|&gt;)"/);
    t.match(xml, /<failure message="seal first: head, line 3 of 4" type="failed">/);
    t.match(xml, /Content-Length: 5\\x01/);
    t.match(xml, /known to fail: it never did/);
    t.notMatch(xml, /[\x00-\x08\x0b\x0c\x0e-\x1f]/);
  },
);

t.test("files are written where asked for, folders made, and JSON is the run itself", async (t) => {
  const path = folder(t);
  const lines: string[] = [];
  const files = { json: join(path, "a/run.json"), junit: join(path, "b/junit.xml"), html: join(path, "run.html") };
  report(sampleRun(), screenTo(lines), files);
  t.strictSame(JSON.parse(readFileSync(files.json, "utf8")), sampleRun());
  t.match(readFileSync(files.junit, "utf8"), /^<\?xml version="1.0"/);
  t.match(readFileSync(files.html, "utf8"), /^<!doctype html>/);
  for (const file of Object.values(files)) t.match(lines.join(""), file);
  t.throws(() => report(sampleRun(), screenTo([]), { json: join(path, "run.html/x.json") }), "a path that cannot be");
});

t.test("the page holds all it needs, and no body can end its script", async (t) => {
  const page = htmlPage(sampleRun());
  t.equal(page.match(/<\/script>/g)?.length, 2);
  t.notMatch(page, /\b(?:src|href)="(?:https?:)?\//, "nothing is fetched");
  t.notMatch(page, /\/\*(?:style|script)\*\//, "every place is filled");
  t.notMatch(page, /^(?:import|export) /m, "the parts are one script");
});

t.test(
  "in a browser the page finds failures, shows both wires with what differs, and asks nobody for anything",
  async (t) => {
    const path = join(folder(t), "run.html");
    writeFileSync(path, htmlPage(sampleRun()));
    const args = [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
    ];
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
    t.teardown(() => browser.close());
    const page = await browser.newPage();
    const heard: string[] = [];
    page.on("pageerror", (error) => heard.push(String(error)));
    page.on("console", (message) => heard.push(message.text()));
    page.on("request", (request) => heard.push(request.url()));
    await page.goto(`file://${path}`);
    t.strictSame(await cases(page), ["ranges/wrong", "security/healed"], "only what is wrong at first");
    await page.getByRole("link", { name: "wrong", exact: true }).click();
    t.equal(await page.locator("#case h2").textContent(), "✗ failed ranges/wrong");
    t.match(await page.locator("#case .findings").textContent(), /seal at first.*Content-Length: 5/s);
    const changed = await page.locator("#case tr.changed").allTextContents();
    t.equal(changed.length, 4, "length, bytes, SHA-256 and text");
    t.match(changed[0], /≠Content-Length: \d+Content-Length: \d+/);
    t.match(await page.locator("#case td mark").last().textContent(), /^X/);
    t.match(await page.locator("#case").textContent(), hostileText.slice(0, 20), "text stays text");
    t.equal(await page.locator("#case details[open]").count(), 2);
    t.match(await page.locator("#case svg").getAttribute("aria-label"), /2 requests of players and 1 of the origin/);
    t.equal(await page.locator("#case select option").count(), 2, "sealed, or the other target");
    await page.getByRole("checkbox", { name: /passed$/ }).check();
    await page.getByRole("searchbox").fill("r-range-1 right");
    t.strictSame(await cases(page), ["ranges/right"], "found by rule and name");
    t.equal(await page.getByRole("status").textContent(), "1 of 5 cases shown");
    t.equal(await page.title(), "Conformance");
    t.strictSame(heard, [`file://${path}`], "no error, and no request but for itself");
  },
);

function cases(page: Page): Promise<(string | null)[]> {
  return page.locator("#rows tr[data-case]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-case")));
}
