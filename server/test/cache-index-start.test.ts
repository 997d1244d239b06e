import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import t from "tap";
import { dataFileName } from "../edge/cache-directory.ts";
import { inspectDatabase, makeFile, openIndex, storeEntry, sweepFiles } from "./support/index-bench.ts";
import { cacheDirectory, patternBytes } from "./support/storage.ts";

t.test("rows lose what their files do not have (R-INDEX-8)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  const whole = storeEntry(first.index, dataDir, [0, 100], { total: 100 });
  const shorter = storeEntry(first.index, dataDir, [0, 100, 200, 300], { total: 300 });
  const missing = storeEntry(first.index, dataDir, [0, 100]);
  const empty = storeEntry(first.index, dataDir, [], { total: 0 });
  const pinned = storeEntry(first.index, dataDir, [0, 100], { pinned: true });
  first.index.close();
  fs.truncateSync(path.join(dataDir, dataFileName(shorter)), 250);
  for (const id of [missing, pinned]) fs.unlinkSync(path.join(dataDir, dataFileName(id)));
  const expected = [
    [whole, [0, 100]],
    [shorter, [0, 100, 200, 250]],
    [empty, []],
    [pinned, []],
  ];
  for (const run of ["found out", "written"]) {
    const { index, entries, errors } = openIndex(dir);
    t.same(
      entries.map((entry) => [entry.id, entry.spans]),
      expected,
      run,
    );
    t.equal(index.counts().queued, run === "written" ? 0 : 3);
    t.same(errors, []);
    index.close();
  }
});

t.test("an entry without a byte is forgotten at the start, unless empty or pinned (R-INDEX-5)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  storeEntry(first.index, dataDir, []);
  const empty = storeEntry(first.index, dataDir, [], { total: 0 });
  const pinned = storeEntry(first.index, dataDir, [], { pinned: true });
  first.index.close();
  const { index, entries } = openIndex(dir);
  t.same(
    entries.map((entry) => entry.id),
    [empty, pinned],
  );
  index.close();
  const database = inspectDatabase(dir);
  t.same(database.prepare("SELECT id FROM entry ORDER BY id").pluck().all(), [empty, pinned]);
  database.close();
});

t.test("rows with impossible values are dropped, the others load", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  const good = storeEntry(first.index, dataDir, [0, 10]);
  const bad: [string, unknown][] = [
    ["fields", "not json"],
    ["fields", '["odd"]'],
    ["fields", '[1,"2"]'],
    ["kind", "film"],
    ["kind", "toString"],
    ["total", -2],
    ["total", 5],
    ["access_ms", "soon"],
    ["request_ms", 1.5],
    ["url", Buffer.from("x")],
  ];
  const ids = bad.map(() => storeEntry(first.index, dataDir, [0, 10]));
  first.index.close();
  const database = inspectDatabase(dir);
  for (const [at, [column, value]] of bad.entries()) {
    database.prepare(`UPDATE entry SET ${column} = ? WHERE id = ?`).run(value, ids[at]);
  }
  database.prepare("INSERT INTO span VALUES (?, 30, 20)").run(good);
  database.close();
  const { index, entries, errors } = openIndex(dir);
  t.same(
    entries.map((entry) => [entry.id, entry.spans]),
    [[good, [0, 10]]],
  );
  t.same(errors, []);
  t.equal(await sweepFiles(index), bad.length);
  index.close();
});

t.test("the sweep deletes files without a row, never those of this run or of others (R-INDEX-10)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  const kept = storeEntry(first.index, dataDir, [0, 10]);
  first.index.close();
  for (let id = 100; id < 400; id += 1) makeFile(dataDir, id, 1);
  fs.writeFileSync(path.join(dataDir, "01", "notes.txt"), "not ours");
  const second = openIndex(dir);
  t.equal(second.index.counts().strays, 300);
  const own = second.index.nextId();
  makeFile(dataDir, own, 10);
  fs.unlinkSync(path.join(dataDir, dataFileName(222)));
  t.equal(await sweepFiles(second.index), 299, "one was gone already");
  t.same(second.errors, []);
  const left = fs.readdirSync(dataDir, { recursive: true, encoding: "utf8" }).filter((name) => name.length > 2);
  t.same(left.sort(), ["01/notes.txt", dataFileName(kept), dataFileName(own)].sort());
  second.index.close();
});

t.test("after kill -9 in the middle of writing, every row's bytes are in the file (R-INDEX-13)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const script = path.join(import.meta.dirname, "support", "storage-writer.ts");
  let seen = 0;
  for (let run = 0; run < 4; run += 1) {
    const child = spawn(process.execPath, [script, dir], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      output += text;
      // A different moment in each run, always with writes, drops and transactions under way.
      if (output.includes(`\n${300 + run * 100}\n`)) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    const [, signal] = await once(child, "close");
    t.equal(signal, "SIGKILL", errors);
    const { index, entries, errors: failures } = openIndex(dir);
    t.same(failures, []);
    t.ok(entries.length > 0);
    for (const entry of entries) {
      const file = fs.readFileSync(path.join(dataDir, dataFileName(entry.id)));
      for (let at = 0; at < entry.spans.length; at += 2) {
        const [start = 0, end = 0] = entry.spans.slice(at, at + 2);
        seen += end - start;
        if (!file.subarray(start, end).equals(patternBytes(entry.id, start, end - start))) {
          t.fail(`wrong bytes in entry ${entry.id} at ${start}`);
        }
      }
    }
    index.close();
  }
  t.ok(seen > 1_000_000, `${seen} bytes compared`);
});

t.test("a hundred thousand rows load; the time is printed", async (t) => {
  const { dir } = cacheDirectory(t.testdir());
  openIndex(dir).index.close();
  const database = inspectDatabase(dir);
  const put = database.prepare("INSERT INTO entry VALUES (?,?,?,?,'media','[\"ETag\",\"x\"]',100,1,2,0,?,0)");
  const span = database.prepare("INSERT INTO span VALUES (?, ?, ?)");
  database.transaction(() => {
    for (let id = 1; id <= 100_000; id += 1) {
      const url = `https://cdn.example/path/of/some/length/segment-${id}.ts`;
      put.run(id, url, url, url, id);
      span.run(id, 0, 50);
    }
  })();
  database.close();
  // One file of each id in one folder only, so that the test does not spend its time on making files.
  const dataDir = path.join(dir, "data");
  for (let id = 0x2a; id <= 100_000; id += 256) makeFile(dataDir, id, 50);
  const startMs = performance.now();
  const { index, entries } = openIndex(dir);
  t.comment(`100000 rows: ${Math.round(performance.now() - startMs)} ms`);
  t.equal(entries.length, 391);
  t.equal(index.counts().queued, 10_000, "the rest is dropped bit by bit, in a bounded queue");
  const clearMs = performance.now();
  index.clear();
  t.comment(`clear: ${Math.round(performance.now() - clearMs)} ms`);
  index.close();
});
