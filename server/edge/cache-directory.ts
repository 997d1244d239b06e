/**
 * The cache directory: where things lie in it, and the one process that may use it (docs/formats.md).
 */
import fs from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";

/** A directory that this process holds. `release` gives it up; the end of the process does so too. */
export type HeldDirectory = { ok: true; dir: string; dataDir: string; release(): void };
/** Why a directory cannot be used: what, where, and what to do, for a person to read. */
export type RefusedDirectory = { ok: false; message: string };

/** Folders and files are the user's alone: what somebody watched is private. */
export const folderMode = 0o700;
export const fileMode = 0o600;

/** Creates the directory where missing, proves that it can be written, and takes its lock. */
export function prepareDirectory(dir: string): HeldDirectory | RefusedDirectory {
  const full = path.resolve(dir);
  const dataDir = path.join(full, "data");
  const lockPath = path.join(full, "lock");
  const ownerPath = path.join(full, "owner.json");
  const probePath = path.join(dataDir, `probe-${process.pid}`);
  try {
    makeFolder(dataDir);
    // Opening a file for writing is the only proof: permission bits say nothing to root or on a read-only file system.
    fs.closeSync(fs.openSync(probePath, "w", fileMode));
    fs.unlinkSync(probePath);
  } catch (error) {
    return { ok: false, message: refusal(full, error) };
  }
  const lock = takeLock(lockPath);
  if (lock === "held") return { ok: false, message: heldMessage(full, ownerPath) };
  if (lock instanceof Error) {
    return {
      ok: false,
      message: `The cache directory ${full} cannot be locked (${lock.message}). Delete its file "lock", or choose a directory on a local file system.`,
    };
  }
  writeOwner(ownerPath);
  return { ok: true, dir: full, dataDir, release: () => releaseLock(lock, ownerPath) };
}

/** The directory when none is named: `$XDG_CACHE_HOME/reelcache`, else `~/.cache/reelcache` (XDG Base Directory 0.8). */
export function defaultDirectory(environment: Record<string, string | undefined>, home: string): string {
  const base = environment.XDG_CACHE_HOME;
  // R-DISK-3
  if (base !== undefined && path.isAbsolute(base)) return path.join(base, "reelcache");
  return path.join(home, ".cache", "reelcache");
}

/** Path of an entry's data file below the data directory: folder by the low byte of the id, then the id, all in hex. */
export function dataFileName(id: number): string {
  // R-DISK-1
  const hex = id.toString(16).padStart(16, "0");
  return `${hex.slice(14)}/${hex}`;
}

/** The id of a data file by its folder and name, -1 when it is none of ours. */
export function dataFileId(folder: string, name: string): number {
  if (!/^[0-9a-f]{16}$/.test(name) || name.slice(14) !== folder) return -1;
  const id = Number.parseInt(name, 16);
  return Number.isSafeInteger(id) && id > 0 ? id : -1;
}

/** Like `mkdir -p`. Node's own recursive variant never returns where a parent refuses with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { mode: folderMode });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST" && fs.statSync(folder).isDirectory()) return;
    if (code !== "ENOENT" || path.dirname(folder) === folder) throw error;
    makeFolder(path.dirname(folder));
    fs.mkdirSync(folder, { mode: folderMode });
  }
}

/**
 * An open exclusive transaction on a tiny database of its own: a lock of the operating system's that ends with the
 * process however it ends, that both twins can take through SQLite, and that also holds against a second instance in
 * the same process. The lock file must never be opened by other means here: closing any descriptor of a file drops
 * all of the process's POSIX locks on it, which is why the process id stands in a file of its own.
 */
function takeLock(lockPath: string): Database.Database | "held" | Error {
  let database: Database.Database | null = null;
  try {
    database = new Database(lockPath, { timeout: 0 });
    // R-DISK-2
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    fs.chmodSync(lockPath, fileMode);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) return "held";
    return error instanceof Error ? error : new Error(String(error));
  }
}

function releaseLock(lock: Database.Database, ownerPath: string): void {
  if (!lock.open) return;
  fs.rmSync(ownerPath, { force: true });
  lock.close();
}

/** Who holds the directory is a help to the person who is refused; failing to note it harms nothing. */
function writeOwner(ownerPath: string): void {
  try {
    fs.writeFileSync(ownerPath, `${JSON.stringify({ pid: process.pid })}\n`, { mode: fileMode });
  } catch {
    fs.rmSync(ownerPath, { force: true });
  }
}

function heldMessage(dir: string, ownerPath: string): string {
  const pid = readOwner(ownerPath);
  const holder = pid > 0 ? `process ${pid}` : "another process";
  return `The cache directory ${dir} is in use by ${holder}. Stop it, or choose another directory.`;
}

function readOwner(ownerPath: string): number {
  try {
    const owner: unknown = JSON.parse(fs.readFileSync(ownerPath, "utf8"));
    if (typeof owner !== "object" || owner === null || !("pid" in owner)) return -1;
    return typeof owner.pid === "number" ? owner.pid : -1;
  } catch {
    return -1;
  }
}

/** One sentence for each way in which a directory is unusable. */
function refusal(dir: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "EEXIST" || code === "ENOTDIR") {
    return `The cache directory ${dir} is, or lies below, a file. Move that file away, or choose another directory.`;
  }
  if (code === "EACCES" || code === "EPERM") {
    return `The cache directory ${dir} cannot be written by this user. Change its permissions, or choose another directory.`;
  }
  if (code === "EROFS") {
    return `The cache directory ${dir} is on a read-only file system. Choose another directory.`;
  }
  if (code === "ENOSPC" || code === "EDQUOT") {
    return `The disk of the cache directory ${dir} is full. Free some space, or choose another directory.`;
  }
  return `The cache directory ${dir} cannot be prepared (${String(error)}). Choose another directory.`;
}
