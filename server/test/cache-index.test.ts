import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import Database from "better-sqlite3";
import t from "tap";
import { dataFileName } from "../edge/cache-directory.ts";
import type { CacheIndex, CacheIndexOptions, StoredEntry } from "../edge/cache-index.ts";
import { openCacheIndex } from "../edge/cache-index.ts";
import { moveAside } from "../edge/index-database.ts";
import { indexQueue, queueBatch, queueDrop, queueEdit, queuePut, queueRows, queueTake } from "../edge/index-queue.ts";
import { cacheDirectory, patternBytes, plainEntry, until } from "./support/storage.ts";

/** An hour: nothing is written but by a full batch or a flush. */
const never = 3_600_000;

type Opened = { index: CacheIndex; errors: string[]; entries: StoredEntry[] };

/** Opens and loads the index; failures are collected. */
function open(dir: string, changes: Partial<CacheIndexOptions> = {}): Opened {
  const errors: string[] = [];
  const onError = (error: Error): void => {
    errors.push((error as NodeJS.ErrnoException).code ?? error.message);
  };
  const index = openCacheIndex(dir, { journalMs: never, journalRowsMax: 100, onError, ...changes });
  return { index, errors, entries: index.load() };
}

/** Puts an entry with spans, and makes the file that they speak of. */
function store(index: CacheIndex, dataDir: string, spans: number[], changes: Partial<StoredEntry> = {}): number {
  const id = index.nextId();
  index.put(plainEntry(id, changes));
  for (let at = 0; at < spans.length; at += 2) index.spans(id, spans[at] ?? 0, spans[at + 1] ?? 0);
  makeFile(dataDir, id, spans[spans.length - 1] ?? 0);
  return id;
}

function makeFile(dataDir: string, id: number, size: number): void {
  const name = path.join(dataDir, dataFileName(id));
  fs.mkdirSync(path.dirname(name), { recursive: true });
  fs.writeFileSync(name, patternBytes(id, 0, size));
}

function sweep(index: CacheIndex): Promise<number> {
  return new Promise((resolve) => index.sweep(resolve));
}

/** The database as another process sees it. */
function inspect(dir: string): Database.Database {
  return new Database(path.join(dir, "index.sqlite"), { timeout: 0 });
}

t.test("an entry with all its values comes back as it was put", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir);
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
  const id = store(first.index, dataDir, [5, 10, 20, 4_000], changes);
  first.index.close();
  const second = open(dir);
  t.same(second.entries, [plainEntry(id, { ...changes, spans: [5, 10, 20, 4_000] })]);
  t.equal(second.index.health(), "ok");
  second.index.close();
  t.same([...first.errors, ...second.errors], []);
  t.equal(fs.statSync(path.join(dir, "index.sqlite")).mode & 0o777, 0o600);
});

t.test("the database carries the application id and the schema version (R-INDEX-2)", async (t) => {
  const { dir } = cacheDirectory(t.testdir());
  open(dir).index.close();
  const database = inspect(dir);
  t.equal(database.pragma("application_id", { simple: true }), 0x7265656c);
  t.equal(database.pragma("user_version", { simple: true }), 1);
  t.equal(database.pragma("journal_mode", { simple: true }), "wal");
  database.close();
});

t.test("an id is never given twice, not even after its entry and its row are gone (R-INDEX-1)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir);
  t.equal(first.index.firstId(), 1);
  const ids = [store(first.index, dataDir, [0, 10]), store(first.index, dataDir, [0, 10])];
  t.same(ids, [1, 2]);
  first.index.flush();
  first.index.drop(2);
  first.index.close();
  fs.unlinkSync(path.join(dataDir, dataFileName(2)));
  const second = open(dir);
  t.equal(second.index.firstId(), 3);
  t.equal(second.index.nextId(), 3);
  second.index.clear();
  second.index.close();
  makeFile(dataDir, 77, 10);
  const third = open(dir);
  t.equal(third.index.nextId(), 78, "above a data file that no row knows");
  third.index.close();
});

t.test("spans that overlap or touch are one row, and a cut splits it (R-INDEX-4)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index } = open(dir);
  const id = index.nextId();
  index.put(plainEntry(id));
  makeFile(dataDir, id, 1_000);
  const rows = (): unknown => {
    index.flush();
    const database = inspect(dir);
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
  const { index, errors } = open(dir);
  const old = store(index, dataDir, [0, 10], { key: "k" });
  index.flush();
  const fresh = store(index, dataDir, [0, 20], { key: "k" });
  index.flush();
  index.put(plainEntry(old, { key: "k" }));
  index.spans(old, 0, 10);
  index.close();
  t.same(errors, []);
  const database = inspect(dir);
  t.same(database.prepare("SELECT entry_id FROM span").pluck().all(), [fresh], "the old one's spans go as well");
  database.close();
  const second = open(dir);
  t.same(second.entries, [plainEntry(fresh, { key: "k", spans: [0, 20] })]);
  t.equal(await sweep(second.index), 1, "the old one's file goes");
  second.index.close();
});

t.test("dropping takes back what waits, and deletes what was written (R-INDEX-6)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index } = open(dir);
  const written = store(index, dataDir, [0, 10]);
  index.flush();
  index.touch(written, 9_000);
  index.spans(written, 20, 30);
  const waiting = store(index, dataDir, [0, 10, 20, 30]);
  t.equal(index.counts().queued, 5);
  index.drop(waiting);
  index.drop(written);
  t.equal(index.counts().queued, 2, "only the deletions are left");
  index.close();
  const database = inspect(dir);
  t.equal(database.prepare("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM span)").pluck().get(), 0);
  database.close();
});

t.test("touches are written late, the latest wins, and a hit writes nothing by itself", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index } = open(dir);
  const id = store(index, dataDir, [0, 10]);
  index.flush();
  const before = index.counts().written;
  for (let hit = 0; hit < 1_000; hit += 1) index.touch(id, 10_000 + hit);
  t.equal(index.counts().written, before);
  t.equal(index.counts().queued, 1);
  index.close();
  const second = open(dir);
  t.equal(second.entries[0]?.accessMs, 10_999);
  second.index.close();
});

t.test("the queue writes itself after journalMs, or at once when a batch is full", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const slow = open(dir, { journalRowsMax: 4 });
  store(slow.index, dataDir, [0, 10, 20, 30]);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  t.equal(slow.index.counts().written, 0, "three rows of four wait for the timer");
  slow.index.touch(50, 1);
  await until(() => slow.index.counts().written === 4, "the fourth row starts the write");
  slow.index.close();
  const quick = open(dir, { journalMs: 1 });
  store(quick.index, dataDir, [0, 10]);
  const alive = setTimeout(() => undefined, 10_000);
  await until(() => quick.index.counts().written === 2, "the timer writes");
  clearTimeout(alive);
  quick.index.close();
});

t.test("a transaction has at most journalRowsMax rows, and events run between two (R-INDEX-11)", async (t) => {
  const { dir } = cacheDirectory(t.testdir());
  const { index } = open(dir, { journalRowsMax: 10 });
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

t.test("rows lose what their files do not have (R-INDEX-8)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir);
  const whole = store(first.index, dataDir, [0, 100], { total: 100 });
  const shorter = store(first.index, dataDir, [0, 100, 200, 300], { total: 300 });
  const missing = store(first.index, dataDir, [0, 100]);
  const empty = store(first.index, dataDir, [], { total: 0 });
  const pinned = store(first.index, dataDir, [0, 100], { pinned: true });
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
    const { index, entries, errors } = open(dir);
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
  const first = open(dir);
  store(first.index, dataDir, []);
  const empty = store(first.index, dataDir, [], { total: 0 });
  const pinned = store(first.index, dataDir, [], { pinned: true });
  first.index.close();
  const { index, entries } = open(dir);
  t.same(
    entries.map((entry) => entry.id),
    [empty, pinned],
  );
  index.close();
  const database = inspect(dir);
  t.same(database.prepare("SELECT id FROM entry ORDER BY id").pluck().all(), [empty, pinned]);
  database.close();
});

t.test("rows with impossible values are dropped, the others load", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir);
  const good = store(first.index, dataDir, [0, 10]);
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
  const ids = bad.map(() => store(first.index, dataDir, [0, 10]));
  first.index.close();
  const database = inspect(dir);
  for (const [at, [column, value]] of bad.entries()) {
    database.prepare(`UPDATE entry SET ${column} = ? WHERE id = ?`).run(value, ids[at]);
  }
  database.prepare("INSERT INTO span VALUES (?, 30, 20)").run(good);
  database.close();
  const { index, entries, errors } = open(dir);
  t.same(
    entries.map((entry) => [entry.id, entry.spans]),
    [[good, [0, 10]]],
  );
  t.same(errors, []);
  t.equal(await sweep(index), bad.length);
  index.close();
});

t.test("the sweep deletes files without a row, never those of this run or of others (R-INDEX-10)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir);
  const kept = store(first.index, dataDir, [0, 10]);
  first.index.close();
  for (let id = 100; id < 400; id += 1) makeFile(dataDir, id, 1);
  fs.writeFileSync(path.join(dataDir, "01", "notes.txt"), "not ours");
  const second = open(dir);
  t.equal(second.index.counts().strays, 300);
  const own = second.index.nextId();
  makeFile(dataDir, own, 10);
  fs.unlinkSync(path.join(dataDir, dataFileName(222)));
  t.equal(await sweep(second.index), 299, "one was gone already");
  t.same(second.errors, []);
  const left = fs.readdirSync(dataDir, { recursive: true, encoding: "utf8" }).filter((name) => name.length > 2);
  t.same(left.sort(), ["01/notes.txt", dataFileName(kept), dataFileName(own)].sort());
  second.index.close();
});

t.test("a corrupt database gives way to a fresh one, and its data files go (R-INDEX-7)", async (t) => {
  const damages: Record<string, (file: string) => void> = {
    garbage: (file) => fs.writeFileSync(file, "these are not the bytes of a database. ".repeat(500)),
    "cut off": (file) => fs.truncateSync(file, 5_000),
    "garbage inside": (file) => {
      const descriptor = fs.openSync(file, "r+");
      fs.writeSync(descriptor, Buffer.alloc(fs.fstatSync(descriptor).size - 4_096, 0xa5), 0, undefined, 4_096);
      fs.closeSync(descriptor);
    },
    "another application": (file) => {
      const database = new Database(file);
      database.pragma("application_id = 1");
      database.close();
    },
    "a newer release": (file) => {
      const database = new Database(file);
      database.pragma("user_version = 99");
      database.close();
    },
    "a table missing": (file) => {
      const database = new Database(file);
      database.exec("DROP TABLE span");
      database.close();
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    t.test(name, async (t) => {
      const { dir, dataDir } = cacheDirectory(t.testdir());
      const first = open(dir);
      for (let put = 0; put < 200; put += 1) store(first.index, dataDir, [0, 10]);
      first.index.close();
      damage(path.join(dir, "index.sqlite"));
      const second = open(dir);
      t.same(second.entries, []);
      t.equal(second.errors.length, 1, second.errors.join());
      t.equal(second.index.health(), "ok");
      t.ok(fs.existsSync(path.join(dir, "index.sqlite.corrupt-1")));
      t.equal(second.index.nextId(), 201, "above the files of the lost entries");
      t.equal(await sweep(second.index), 200);
      const id = store(second.index, dataDir, [0, 10]);
      second.index.close();
      const third = open(dir);
      t.same(
        third.entries.map((entry) => entry.id),
        [id],
      );
      t.same(third.errors, []);
      third.index.close();
    });
  }
});

t.test("of the databases moved aside the last two are kept (R-INDEX-7)", async (t) => {
  const dir = t.testdir();
  for (let turn = 0; turn < 12; turn += 1) {
    fs.writeFileSync(path.join(dir, "index.sqlite"), String(turn));
    fs.writeFileSync(path.join(dir, "index.sqlite-wal"), "");
    t.equal(moveAside(dir), path.join(dir, `index.sqlite.corrupt-${turn + 1}`));
  }
  t.same(fs.readdirSync(dir).sort(), [
    "index.sqlite.corrupt-11",
    "index.sqlite.corrupt-11-wal",
    "index.sqlite.corrupt-12",
    "index.sqlite.corrupt-12-wal",
  ]);
});

t.test("a database that breaks under us is replaced, and what comes after is kept (R-INDEX-7)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index, errors } = open(dir);
  for (let put = 0; put < 50; put += 1) store(index, dataDir, [0, 10]);
  index.flush();
  const database = inspect(dir);
  database.exec("DROP TABLE span");
  database.close();
  const id = store(index, dataDir, [0, 10]);
  index.flush();
  t.equal(errors.length, 1, errors.join());
  t.equal(index.health(), "ok");
  index.close();
  const second = open(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [id],
  );
  second.index.close();
});

t.test("while another process has the database locked, changes wait, then they are written (R-INDEX-12)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index, errors } = open(dir, { journalMs: 1 });
  const other = inspect(dir);
  other.exec("BEGIN IMMEDIATE");
  const id = store(index, dataDir, [0, 10]);
  const startMs = performance.now();
  index.flush();
  t.ok(performance.now() - startMs < 500, "nobody waits for the lock");
  t.equal(index.health(), "degraded");
  t.same(errors, ["SQLITE_BUSY"]);
  await until(() => errors.length >= 3, "it tries again by itself");
  other.exec("COMMIT");
  other.close();
  const alive = setTimeout(() => undefined, 10_000);
  await until(() => index.health() === "ok" && index.counts().queued === 0, "it recovers");
  clearTimeout(alive);
  index.close();
  const second = open(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [id],
  );
  second.index.close();
});

t.test("a database locked at the start loads as empty, and old rows stay apart (R-INDEX-12)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir);
  const old = store(first.index, dataDir, [0, 10], { key: "old" });
  const vanished = store(first.index, dataDir, [0, 10_000], { key: "vanished" });
  first.index.close();
  // Its row names an id that the folder does not show: a run that cannot read the rows will give that id again.
  fs.unlinkSync(path.join(dataDir, dataFileName(vanished)));
  const other = inspect(dir);
  other.pragma("locking_mode = EXCLUSIVE");
  other.exec("BEGIN EXCLUSIVE; UPDATE entry SET total = total");
  const second = open(dir);
  t.same(second.entries, []);
  t.equal(second.index.health(), "degraded");
  t.equal(await sweep(second.index), 0, "files of rows unseen stay");
  const id = store(second.index, dataDir, [5, 20], { key: "new" });
  const startMs = performance.now();
  second.index.flush();
  t.ok(performance.now() - startMs < 500, "only the start waits for the lock");
  other.exec("ROLLBACK");
  other.close();
  t.equal(id, vanished);
  second.index.flush();
  t.equal(second.index.health(), "ok");
  second.index.close();
  const third = open(dir);
  t.same(
    third.entries.map((entry) => [entry.id, entry.spans]),
    [
      [old, [0, 10]],
      [id, [5, 20]],
    ],
  );
  third.index.close();
});

t.test("the queue stays bounded while nothing can be written: touches go first (R-INDEX-9)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir, { journalRowsMax: 10 });
  const kept = store(first.index, dataDir, [0, 10]);
  first.index.flush();
  const other = inspect(dir);
  other.exec("BEGIN IMMEDIATE");
  for (let touch = 0; touch < 800; touch += 1) first.index.touch(10_000 + touch, touch);
  for (let put = 0; put < 300; put += 1) first.index.put(plainEntry(first.index.nextId()));
  t.equal(first.index.counts().queued, 1_000, "journalRowsMax times 100");
  t.equal(first.index.counts().forgotten, 100, "touches went first");
  for (let put = 0; put < 5_000; put += 1) first.index.put(plainEntry(first.index.nextId()));
  t.equal(first.index.counts().queued, 1_000);
  other.exec("COMMIT");
  other.close();
  first.index.flush();
  t.equal(first.index.counts().queued, 0);
  first.index.close();
  const second = open(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [kept],
  );
  second.index.close();
});

t.test(
  "a disk that is really full stops the journal, not the caller, until there is room again (R-INDEX-12)",
  async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "reelcache-index-full-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", dir], { stdio: "pipe" });
    } catch {
      fs.rmdirSync(dir);
      t.comment("this user may not mount a tmpfs: the locked database above is the proof");
      return;
    }
    t.teardown(() => {
      execFileSync("umount", ["--lazy", dir]);
      fs.rmdirSync(dir);
    });
    const { dataDir } = cacheDirectory(dir);
    const { index, errors } = open(dir);
    const before = store(index, dataDir, [0, 10]);
    index.flush();
    const ballast = path.join(dir, "ballast");
    t.throws(() => fs.writeFileSync(ballast, Buffer.alloc(524_288)), { code: "ENOSPC" });
    for (let put = 0; put < 500; put += 1) index.put(plainEntry(index.nextId(), { total: 0 }));
    index.flush();
    t.equal(index.health(), "degraded");
    t.match(errors[0], /^SQLITE_(FULL|IOERR)/);
    const waiting = index.counts().queued;
    t.ok(waiting > 0, `${waiting} rows wait`);
    fs.unlinkSync(ballast);
    index.flush();
    t.equal(index.health(), "ok");
    t.equal(index.counts().queued, 0);
    index.close();
    const second = open(dir);
    t.equal(second.entries.length, 501, "nothing was lost");
    t.equal(second.entries[0]?.id, before);
    second.index.close();
  },
);

t.test(
  "a database that cannot be opened at the start loads as empty, and the index heals when it can be",
  async (t) => {
    const { dir, dataDir } = cacheDirectory(t.testdir());
    // A folder in the place of the database: it can neither be opened nor be told to be corrupt.
    fs.mkdirSync(path.join(dir, "index.sqlite"));
    const { index, errors, entries } = open(dir);
    t.same(entries, []);
    t.same(errors, ["EISDIR"]);
    t.equal(index.health(), "degraded");
    const id = store(index, dataDir, [0, 10]);
    fs.rmdirSync(path.join(dir, "index.sqlite"));
    index.flush();
    t.equal(index.health(), "ok");
    index.close();
    const second = open(dir);
    t.same(
      second.entries.map((entry) => entry.id),
      [id],
    );
    second.index.close();
  },
);

t.test("clear forgets everything at once, and what is put afterwards stays", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = open(dir);
  for (let put = 0; put < 20; put += 1) store(first.index, dataDir, [0, 10]);
  first.index.flush();
  store(first.index, dataDir, [0, 10]);
  first.index.clear();
  const id = store(first.index, dataDir, [0, 10]);
  first.index.close();
  const second = open(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [id],
  );
  t.equal(await sweep(second.index), 21);
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
    const { index, entries, errors: failures } = open(dir);
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
  open(dir).index.close();
  const database = inspect(dir);
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
  const { index, entries } = open(dir);
  t.comment(`100000 rows: ${Math.round(performance.now() - startMs)} ms`);
  t.equal(entries.length, 391);
  t.equal(index.counts().queued, 10_000, "the rest is dropped bit by bit, in a bounded queue");
  const clearMs = performance.now();
  index.clear();
  t.comment(`clear: ${Math.round(performance.now() - clearMs)} ms`);
  index.close();
});
