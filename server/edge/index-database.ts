/**
 * The index database: its schema, how it is opened, and how a batch is written (docs/formats.md).
 *
 * The SQL keeps to what SQLite 3.24 knows (upsert), since a phone brings its own SQLite: no STRICT, no RETURNING.
 */
import fs from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { fileMode } from "./cache-directory.ts";
import type { Batch, EntryRow, SpanEdit } from "./index-queue.ts";

/** "reel" in ASCII: tells an index of ours from any other database. */
export const applicationId = 0x7265656c;

/** One string a version: `user_version` counts those that were run. Never edit one that was released; append. */
const migrations = [
  `CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    final_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    total INTEGER NOT NULL,
    request_ms INTEGER NOT NULL,
    response_ms INTEGER NOT NULL,
    target_duration_ms INTEGER NOT NULL,
    access_ms INTEGER NOT NULL,
    pinned INTEGER NOT NULL
  );
  CREATE TABLE span (
    entry_id INTEGER NOT NULL,
    start_byte INTEGER NOT NULL,
    end_byte INTEGER NOT NULL,
    PRIMARY KEY (entry_id, start_byte)
  ) WITHOUT ROWID;`,
];

/** Databases moved aside that are kept, newest last. */
const asideMax = 2;

export type IndexDatabase = {
  connection: Database.Database;
  /** Writes a batch in one transaction; throws SQLite's error, and then nothing of it is written. */
  write(batch: Batch, clears: boolean, fenceId: number): void;
};

/**
 * Opens the index of a directory, made anew when there is none. Waits `busyMs` for a lock of another process, and
 * never later, since that stops the whole proxy. Throws SQLite's error.
 */
export function openIndexDatabase(dir: string, busyMs: number): IndexDatabase {
  const file = indexPath(dir);
  // SQLite would create it readable for all; its -wal and -shm files take the mode of the database.
  fs.closeSync(fs.openSync(file, "a", fileMode));
  const connection = new Database(file, { timeout: busyMs });
  try {
    connection.pragma("journal_mode = WAL");
    connection.pragma("synchronous = NORMAL");
    connection.pragma("journal_size_limit = 4194304");
    migrate(connection);
    connection.pragma("busy_timeout = 0");
    return { connection, write: batchWriter(connection) };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Whether an error says that the database itself is beyond use, so that only a fresh one helps. */
export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error);
  // SQLITE_ERROR: a table or column is missing that the version promises.
  if (code === "SQLITE_ERROR" || code === "SQLITE_NOTADB" || code.startsWith("SQLITE_CORRUPT")) return true;
  return error instanceof ForeignIndex;
}

/** SQLite's symbolic (extended) code of an error, "" when it is none of SQLite's. */
export function sqliteCode(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : "";
}

/** Moves the database out of the way, for a person to look at; returns its new name. The last two are kept. */
export function moveAside(dir: string): string {
  // R-INDEX-7
  const prefix = "index.sqlite.corrupt-";
  const numbers: number[] = [];
  for (const name of fs.readdirSync(dir)) {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    if (/^[0-9]{1,9}$/.test(rest)) numbers.push(Number(rest));
  }
  numbers.sort((a, b) => a - b);
  for (const number of numbers.slice(0, Math.max(0, numbers.length - asideMax + 1))) {
    for (const suffix of ["", "-wal", "-shm"])
      fs.rmSync(path.join(dir, `${prefix}${number}${suffix}`), { force: true });
  }
  const target = path.join(dir, `${prefix}${(numbers[numbers.length - 1] ?? 0) + 1}`);
  for (const suffix of ["-shm", "-wal", ""]) {
    if (fs.existsSync(`${indexPath(dir)}${suffix}`)) fs.renameSync(`${indexPath(dir)}${suffix}`, `${target}${suffix}`);
  }
  return target;
}

function indexPath(dir: string): string {
  return path.join(dir, "index.sqlite");
}

/** A sound database that is not an index this version can use. */
class ForeignIndex extends Error {}

function migrate(connection: Database.Database): void {
  const id = Number(connection.pragma("application_id", { simple: true }));
  const version = Number(connection.pragma("user_version", { simple: true }));
  const objects = Number(connection.prepare("SELECT count(*) FROM sqlite_master").pluck().get());
  if (objects > 0 && id !== applicationId) throw new ForeignIndex("index.sqlite is not an index of reelcache");
  if (version > migrations.length)
    throw new ForeignIndex(`index.sqlite has version ${version}, made by a newer release`);
  if (version === migrations.length) return;
  // R-INDEX-2
  connection
    .transaction(() => {
      for (const sql of migrations.slice(version)) connection.exec(sql);
      connection.pragma(`application_id = ${applicationId}`);
      connection.pragma(`user_version = ${migrations.length}`);
    })
    .immediate();
}

/** Prepares the statements once, and returns the function that writes a batch with them. */
function batchWriter(connection: Database.Database): IndexDatabase["write"] {
  const newerHolder = connection.prepare("SELECT 1 FROM entry WHERE key = ? AND id > ?").pluck();
  const deleteKeySpans = connection.prepare(
    "DELETE FROM span WHERE entry_id IN (SELECT id FROM entry WHERE key = ? AND id < ?)",
  );
  const deleteKey = connection.prepare("DELETE FROM entry WHERE key = ? AND id < ?");
  const upsert = connection.prepare(
    `INSERT INTO entry (id, key, url, final_url, kind, fields, total, request_ms, response_ms, target_duration_ms,
       access_ms, pinned)
     VALUES (@id, @key, @url, @finalUrl, @kind, @fields, @total, @requestMs, @responseMs, @targetDurationMs,
       @accessMs, @pinned)
     ON CONFLICT (id) DO UPDATE SET key = excluded.key, url = excluded.url, final_url = excluded.final_url,
       kind = excluded.kind, fields = excluded.fields, total = excluded.total, request_ms = excluded.request_ms,
       response_ms = excluded.response_ms, target_duration_ms = excluded.target_duration_ms,
       access_ms = excluded.access_ms, pinned = excluded.pinned`,
  );
  const deleteEntry = connection.prepare("DELETE FROM entry WHERE id = ?");
  const deleteSpans = connection.prepare("DELETE FROM span WHERE entry_id = ?");
  const hasEntry = connection.prepare("SELECT 1 FROM entry WHERE id = ?").pluck();
  const near = connection.prepare<[number, number, number], [number, number]>(
    "SELECT start_byte, end_byte FROM span WHERE entry_id = ? AND start_byte <= ? AND end_byte >= ? ORDER BY start_byte",
  );
  const nearRaw = near.raw();
  const deleteNear = connection.prepare("DELETE FROM span WHERE entry_id = ? AND start_byte <= ? AND end_byte >= ?");
  const insertSpan = connection.prepare("INSERT INTO span (entry_id, start_byte, end_byte) VALUES (?, ?, ?)");
  const touch = connection.prepare("UPDATE entry SET access_ms = ? WHERE id = ?");

  const writeRow = (row: EntryRow): void => {
    // R-INDEX-3: a key names its newest entry; an older one that still holds it gives way.
    if (newerHolder.get(row.key, row.id) !== undefined) return;
    deleteKeySpans.run(row.key, row.id);
    deleteKey.run(row.key, row.id);
    upsert.run(row);
  };
  const writeEdit = (id: number, edit: SpanEdit): void => {
    // R-INDEX-4: spans that overlap or touch become one row; a span without an entry is none.
    if (edit.kind === "add" && hasEntry.get(id) === undefined) return;
    const rows = nearRaw.all(id, edit.end, edit.start);
    deleteNear.run(id, edit.end, edit.start);
    const first = rows[0]?.[0] ?? edit.start;
    const last = rows[rows.length - 1]?.[1] ?? edit.end;
    if (edit.kind === "add") {
      insertSpan.run(id, Math.min(first, edit.start), Math.max(last, edit.end));
      return;
    }
    if (first < edit.start) insertSpan.run(id, first, edit.start);
    if (last > edit.end) insertSpan.run(id, edit.end, last);
  };
  const write = connection.transaction((batch: Batch, clears: boolean, fenceId: number): void => {
    if (clears) connection.exec("DELETE FROM span; DELETE FROM entry");
    if (fenceId >= 0) {
      connection.prepare("DELETE FROM span WHERE entry_id >= ?").run(fenceId);
      connection.prepare("DELETE FROM entry WHERE id >= ?").run(fenceId);
    }
    for (const { id, change } of batch.changes) {
      if (change.dropped) {
        deleteEntry.run(id);
        deleteSpans.run(id);
      }
      if (change.row !== null) writeRow(change.row);
      for (const edit of change.edits) writeEdit(id, edit);
    }
    for (const { id, accessMs } of batch.touches) touch.run(accessMs, id);
  });
  return (batch, clears, fenceId) => write.immediate(batch, clears, fenceId);
}
