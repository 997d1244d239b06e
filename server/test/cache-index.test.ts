import fs from "node:fs";
import path from "node:path";
import t from "tap";
import { dataFileName } from "../edge/cache-directory.ts";
import type { StoredEntry } from "../edge/cache-index.ts";
import { indexQueue, queueBatch, queueDrop, queueEdit, queuePut, queueRows, queueTake } from "../edge/index-queue.ts";
import { inspectDatabase, makeFile, openIndex, storeEntry, sweepFiles } from "./support/index-bench.ts";
import { cacheDirectory, plainEntry, until } from "./support/storage.ts";

t.test("an entry with all its values comes back as it was put", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  t.same(first.entries, []);
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  const changes: Partial<StoredEntry> = {
    key: "http://k/?a=\xff\x00",
    finalUrl: "http://f/",
    kind: "vod",
    fields: ["X-Bytes", bytes, "ETag", '"a\\"'],
    total: 9_007_199_254_740_991,
    requestMs: 1_790_000_000_001,
    responseMs: 1_790_000_000_002,
    targetDurationMs: 6_006,
    accessMs: 1_790_000_000_003,
    pinned: true,
  };
  const id = storeEntry(first.index, dataDir, [5, 10, 20, 4_000], changes);
  first.index.close();
  const second = openIndex(dir);
  t.same(second.entries, [plainEntry(id, { ...changes, spans: [5, 10, 20, 4_000] })]);
  t.equal(second.index.health(), "ok");
  second.index.close();
  t.same([...first.errors, ...second.errors], []);
  t.equal(fs.statSync(path.join(dir, "index.sqlite")).mode & 0o777, 0o600);
});

t.test("the database carries the application id and the schema version (R-INDEX-2)", async (t) => {
  const { dir } = cacheDirectory(t.testdir());
  openIndex(dir).index.close();
  const database = inspectDatabase(dir);
  t.equal(database.pragma("application_id", { simple: true }), 0x7265656c);
  t.equal(database.pragma("user_version", { simple: true }), 1);
  t.equal(database.pragma("journal_mode", { simple: true }), "wal");
  database.close();
});

t.test("an id is never given twice, not even after its entry and its row are gone (R-INDEX-1)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  t.equal(first.index.firstId(), 1);
  const ids = [storeEntry(first.index, dataDir, [0, 10]), storeEntry(first.index, dataDir, [0, 10])];
  t.same(ids, [1, 2]);
  first.index.flush();
  first.index.drop(2);
  first.index.close();
  fs.unlinkSync(path.join(dataDir, dataFileName(2)));
  const second = openIndex(dir);
  t.equal(second.index.firstId(), 3);
  t.equal(second.index.nextId(), 3);
  second.index.clear();
  second.index.close();
  makeFile(dataDir, 77, 10);
  const third = openIndex(dir);
  t.equal(third.index.nextId(), 78, "above a data file that no row knows");
  third.index.close();
});

t.test("spans that overlap or touch are one row, and a cut splits it (R-INDEX-4)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index } = openIndex(dir);
  const id = index.nextId();
  index.put(plainEntry(id));
  makeFile(dataDir, id, 1_000);
  const rows = (): unknown => {
    index.flush();
    const database = inspectDatabase(dir);
    const found = database.prepare("SELECT start_byte, end_byte FROM span ORDER BY start_byte").raw().all();
    database.close();
    return found;
  };
  index.spans(id, 100, 200);
  index.spans(id, 300, 400);
  index.spans(id, 500, 600);
  t.same(rows(), [
    [100, 200],
    [300, 400],
    [500, 600],
  ]);
  index.spans(id, 200, 250);
  t.same(rows(), [
    [100, 250],
    [300, 400],
    [500, 600],
  ]);
  index.spans(id, 240, 550);
  t.same(rows(), [[100, 600]]);
  index.spans(id, 150, 160);
  t.same(rows(), [[100, 600]], "what is known changes nothing");
  index.cut(id, 200, 300);
  t.same(rows(), [
    [100, 200],
    [300, 600],
  ]);
  index.cut(id, 0, 350);
  t.same(rows(), [[350, 600]]);
  index.cut(id, 600, 700);
  t.same(rows(), [[350, 600]], "a cut that only touches takes nothing");
  index.spans(999, 0, 10);
  t.same(rows(), [[350, 600]], "a span without an entry is none");
  index.close();
});

t.test("a key names its newest entry, whatever order the rows come in (R-INDEX-3)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index, errors } = openIndex(dir);
  const old = storeEntry(index, dataDir, [0, 10], { key: "k" });
  index.flush();
  const fresh = storeEntry(index, dataDir, [0, 20], { key: "k" });
  index.flush();
  index.put(plainEntry(old, { key: "k" }));
  index.spans(old, 0, 10);
  index.close();
  t.same(errors, []);
  const database = inspectDatabase(dir);
  t.same(database.prepare("SELECT entry_id FROM span").pluck().all(), [fresh], "the old one's spans go as well");
  database.close();
  const second = openIndex(dir);
  t.same(second.entries, [plainEntry(fresh, { key: "k", spans: [0, 20] })]);
  t.equal(await sweepFiles(second.index), 1, "the old one's file goes");
  second.index.close();
});

t.test("dropping takes back what waits, and deletes what was written (R-INDEX-6)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index } = openIndex(dir);
  const written = storeEntry(index, dataDir, [0, 10]);
  index.flush();
  index.touch(written, 9_000);
  index.spans(written, 20, 30);
  const waiting = storeEntry(index, dataDir, [0, 10, 20, 30]);
  t.equal(index.counts().queued, 5);
  index.drop(waiting);
  index.drop(written);
  t.equal(index.counts().queued, 2, "only the deletions are left");
  index.close();
  const database = inspectDatabase(dir);
  t.equal(database.prepare("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM span)").pluck().get(), 0);
  database.close();
});

t.test("touches are written late, the latest wins, and a hit writes nothing by itself", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index } = openIndex(dir);
  const id = storeEntry(index, dataDir, [0, 10]);
  index.flush();
  const before = index.counts().written;
  for (let hit = 0; hit < 1_000; hit += 1) index.touch(id, 10_000 + hit);
  t.equal(index.counts().written, before);
  t.equal(index.counts().queued, 1);
  index.close();
  const second = openIndex(dir);
  t.equal(second.entries[0]?.accessMs, 10_999);
  second.index.close();
});

t.test("the queue writes itself after journalMs, or at once when a batch is full", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const slow = openIndex(dir, { journalRowsMax: 4 });
  storeEntry(slow.index, dataDir, [0, 10, 20, 30]);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  t.equal(slow.index.counts().written, 0, "three rows of four wait for the timer");
  slow.index.drop(50);
  await until(() => slow.index.counts().written === 4, "the fourth row starts the write");
  slow.index.close();
  const quick = openIndex(dir, { journalMs: 1 });
  storeEntry(quick.index, dataDir, [0, 10]);
  const alive = setTimeout(() => undefined, 10_000);
  await until(() => quick.index.counts().written === 2, "the timer writes");
  clearTimeout(alive);
  quick.index.close();
});

t.test("of what is asked for in turn a time is written once an interval, however often (R-INDEX-14)", async (t) => {
  const { dir } = cacheDirectory(t.testdir());
  const { index } = openIndex(dir, { journalRowsMax: 10 });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (let round = 0; round < 20; round += 1) {
    for (let id = 1; id <= 490; id += 1) index.touch(id, round);
    await turn();
  }
  t.same(index.counts(), { queued: 490, written: 0, forgotten: 0, strays: 0 }, "all of it waits");
  // A full transaction of changes is written at once, and they are left to wait for all that.
  for (let id = 1_001; id <= 1_010; id += 1) index.drop(id);
  await until(() => index.counts().written === 10, "the changes to be written");
  for (let times = 0; times < 5; times += 1) await turn();
  t.equal(index.counts().queued, 490);
  for (let id = 491; id <= 501; id += 1) index.touch(id, 20);
  await until(() => index.counts().written === 511, "more than half of what may wait is written at once");
  index.close();
  const often = openIndex(dir, { journalRowsMax: 10, journalMs: 20 });
  for (let id = 1; id <= 100; id += 1) often.index.touch(id, 1);
  let hits = 0;
  await until(() => {
    // As players do, also between two transactions.
    for (let id = 1; id <= 100; id += 1) often.index.touch(id, hits);
    hits += 100;
    return often.index.counts().written >= 300;
  }, "three intervals to be over");
  t.ok(often.index.counts().written * 4 < hits, `${often.index.counts().written} rows of ${hits} hits`);
  often.index.close();
});

t.test("a transaction has at most journalRowsMax rows, and events run between two (R-INDEX-11)", async (t) => {
  const { dir } = cacheDirectory(t.testdir());
  const { index } = openIndex(dir, { journalRowsMax: 10 });
  for (let put = 0; put < 35; put += 1) index.put(plainEntry(index.nextId()));
  const seen: number[] = [];
  const look = (): void => {
    const { written, queued } = index.counts();
    if (seen[seen.length - 1] !== written) seen.push(written);
    if (queued > 0) setImmediate(look);
  };
  setImmediate(look);
  await until(() => index.counts().queued === 0, "all is written");
  await until(() => seen[seen.length - 1] === 35, "all is seen");
  t.same(seen, [10, 20, 30, 35]);
  index.close();
});

t.test("the parts of one entry reach the disk in order: delete, row, spans (R-INDEX-11)", async (t) => {
  const queue = indexQueue(1_000);
  queueDrop(queue, 1);
  const row = { id: 1, key: "k", url: "u", finalUrl: "f", kind: "media", fields: "[]", total: -1 };
  queuePut(queue, { ...row, requestMs: 0, responseMs: 0, targetDurationMs: 0, accessMs: 0, pinned: 0 });
  for (let span = 0; span < 3; span += 1) queueEdit(queue, 1, { kind: "add", start: span * 10, end: span * 10 + 5 });
  queueEdit(queue, 1, { kind: "add", start: 25, end: 29 });
  t.equal(queueRows(queue), 5, "a span that goes on is merged");
  const parts: unknown[] = [];
  while (queueRows(queue) > 0) {
    const batch = queueBatch(queue, 1);
    for (const { change } of batch.changes) parts.push([change.dropped, change.row?.key, change.edits[0]?.start]);
    queueTake(queue, batch);
  }
  t.same(parts, [
    [true, undefined, undefined],
    [false, "k", undefined],
    [false, undefined, 0],
    [false, undefined, 10],
    [false, undefined, 20],
  ]);
});

t.test("clear forgets everything at once, and what is put afterwards stays", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  for (let put = 0; put < 20; put += 1) storeEntry(first.index, dataDir, [0, 10]);
  first.index.flush();
  storeEntry(first.index, dataDir, [0, 10]);
  first.index.clear();
  const id = storeEntry(first.index, dataDir, [0, 10]);
  first.index.close();
  const second = openIndex(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [id],
  );
  t.equal(await sweepFiles(second.index), 21);
  second.index.close();
});
