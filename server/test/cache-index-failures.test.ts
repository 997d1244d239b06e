import fs from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import t from "tap";
import { dataFileName } from "../edge/cache-directory.ts";
import { moveAside } from "../edge/index-database.ts";
import { inspectDatabase, openIndex, storeEntry, sweepFiles } from "./support/index-bench.ts";
import { cacheDirectory, plainEntry, until } from "./support/storage.ts";

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
      const first = openIndex(dir);
      for (let put = 0; put < 200; put += 1) storeEntry(first.index, dataDir, [0, 10]);
      first.index.close();
      damage(path.join(dir, "index.sqlite"));
      const second = openIndex(dir);
      t.same(second.entries, []);
      t.equal(second.errors.length, 1, second.errors.join());
      t.equal(second.index.health(), "ok");
      t.ok(fs.existsSync(path.join(dir, "index.sqlite.corrupt-1")));
      t.equal(second.index.nextId(), 201, "above the files of the lost entries");
      t.equal(await sweepFiles(second.index), 200);
      const id = storeEntry(second.index, dataDir, [0, 10]);
      second.index.close();
      const third = openIndex(dir);
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
  const { index, errors } = openIndex(dir);
  for (let put = 0; put < 50; put += 1) storeEntry(index, dataDir, [0, 10]);
  index.flush();
  const database = inspectDatabase(dir);
  database.exec("DROP TABLE span");
  database.close();
  const id = storeEntry(index, dataDir, [0, 10]);
  index.flush();
  t.equal(errors.length, 1, errors.join());
  t.equal(index.health(), "ok");
  index.close();
  const second = openIndex(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [id],
  );
  second.index.close();
});

t.test("while another process has the database locked, changes wait, then they are written (R-INDEX-12)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const { index, errors } = openIndex(dir, { journalMs: 1 });
  const other = inspectDatabase(dir);
  other.exec("BEGIN IMMEDIATE");
  const id = storeEntry(index, dataDir, [0, 10]);
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
  const second = openIndex(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [id],
  );
  second.index.close();
});

t.test("a database locked at the start loads as empty, and old rows stay apart (R-INDEX-12)", async (t) => {
  const { dir, dataDir } = cacheDirectory(t.testdir());
  const first = openIndex(dir);
  const old = storeEntry(first.index, dataDir, [0, 10], { key: "old" });
  const vanished = storeEntry(first.index, dataDir, [0, 10_000], { key: "vanished" });
  first.index.close();
  // Its row names an id that the folder does not show: a run that cannot read the rows will give that id again.
  fs.unlinkSync(path.join(dataDir, dataFileName(vanished)));
  const other = inspectDatabase(dir);
  other.pragma("locking_mode = EXCLUSIVE");
  other.exec("BEGIN EXCLUSIVE; UPDATE entry SET total = total");
  const second = openIndex(dir);
  t.same(second.entries, []);
  t.equal(second.index.health(), "degraded");
  t.equal(await sweepFiles(second.index), 0, "files of rows unseen stay");
  const id = storeEntry(second.index, dataDir, [5, 20], { key: "new" });
  const startMs = performance.now();
  second.index.flush();
  t.ok(performance.now() - startMs < 500, "only the start waits for the lock");
  other.exec("ROLLBACK");
  other.close();
  t.equal(id, vanished);
  second.index.flush();
  t.equal(second.index.health(), "ok");
  second.index.close();
  const third = openIndex(dir);
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
  const first = openIndex(dir, { journalRowsMax: 10 });
  const kept = storeEntry(first.index, dataDir, [0, 10]);
  first.index.flush();
  const other = inspectDatabase(dir);
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
  const second = openIndex(dir);
  t.same(
    second.entries.map((entry) => entry.id),
    [kept],
  );
  second.index.close();
});

t.test(
  "a database that cannot be opened at the start loads as empty, and the index heals when it can be",
  async (t) => {
    const { dir, dataDir } = cacheDirectory(t.testdir());
    // A folder in the place of the database: it can neither be opened nor be told to be corrupt.
    fs.mkdirSync(path.join(dir, "index.sqlite"));
    const { index, errors, entries } = openIndex(dir);
    t.same(entries, []);
    t.same(errors, ["EISDIR"]);
    t.equal(index.health(), "degraded");
    const id = storeEntry(index, dataDir, [0, 10]);
    fs.rmdirSync(path.join(dir, "index.sqlite"));
    index.flush();
    t.equal(index.health(), "ok");
    index.close();
    const second = openIndex(dir);
    t.same(
      second.entries.map((entry) => entry.id),
      [id],
    );
    second.index.close();
  },
);
