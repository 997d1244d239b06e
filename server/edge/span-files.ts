/**
 * The data files: one sparse file an entry, each byte at its own offset in the representation (docs/formats.md).
 *
 * Callbacks, not promises: this is the byte path. A descriptor serves reads and writes alike, is opened when the first
 * byte needs it, and stays open until it is the least recently used one of `openFilesMax`. One with an operation under
 * way is never closed; when all are busy, the next opening waits for one of them. Of files that nobody reads there are
 * fewer: their bytes went to the players from memory, and only the next write or the journal needs them open.
 */
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";
import { dataFileName, fileMode, folderMode } from "./cache-directory.ts";
import type { FileCalls } from "./file-calls.ts";
import { buffersAfter, fileError, realFileCalls } from "./file-calls.ts";

export type SpanFilesOptions = {
  /** Descriptors kept open at most. */
  openFilesMax: number;
  /** Of them, files that were not read since they were opened, those being closed among them; `openFilesMax` without. */
  unreadFilesMax?: number;
  /** Ids from here on have no file before their first write in this run (`CacheIndex.firstId`). */
  firstNewId: number;
  /** Failures that no callback carries: closing a descriptor, asking for free space. */
  onError: (error: Error) => void;
  /** The file system, for tests that need a full or broken one. */
  calls?: FileCalls;
};

export type Done = (error: NodeJS.ErrnoException | null) => void;
export type ReadDone = (error: NodeJS.ErrnoException | null, bytesRead: number) => void;

/** Counts for the statistics. */
export type SpanFilesCounts = { open: number; waiting: number };

/** One file in use. `descriptor` is -1 until it is open. */
type SpanFile = {
  id: number;
  descriptor: number;
  /** A write of a new id waits for it. */
  creates: boolean;
  /** Operations that hold the descriptor open, and those that wait for it. */
  uses: number;
  writing: boolean;
  /** Its bytes are likely in the system's memory: written, or read before. */
  warm: boolean;
  /** Removed: it is closed with its last operation. */
  removed: boolean;
  /** Since it was opened, or waits to be. */
  read: boolean;
  /** Operations that wait for the opening. */
  waiting: Done[];
};

/** How long an answer to "how much is free?" is good for, in milliseconds. */
const freeBytesMs = 1_000;

/** A read at once that takes so long ends such reads for a while, both in milliseconds. */
const readNowSlowMs = 2;
const readNowPauseMs = 25;

export class SpanFiles {
  readonly #dataDir: string;
  readonly #firstNewId: number;
  readonly #onError: (error: Error) => void;
  readonly #calls: FileCalls;
  readonly #unreadFilesMax: number;
  #openFilesMax: number;
  /** Files open or opening, least recently used first. */
  readonly #files = new Map<number, SpanFile>();
  /** Files that wait until a descriptor may be opened, first come first served. */
  readonly #queue: SpanFile[] = [];
  /** Files with a descriptor that nobody has read; until it is really closed. */
  readonly #unread = new Set<SpanFile>();
  /** Ids from `firstNewId` on whose file has been created. */
  readonly #created = new Set<number>();
  #open = 0;
  /** Closes and removals under way. */
  #ending = 0;
  #readNowAtMs = Number.NEGATIVE_INFINITY;
  #freeBytes = -1;
  #freeBytesAtMs = Number.NEGATIVE_INFINITY;
  #closed: (() => void) | null = null;

  constructor(dataDir: string, options: SpanFilesOptions) {
    assert(options.openFilesMax > 0, "at least one file may be open");
    this.#dataDir = dataDir;
    this.#openFilesMax = options.openFilesMax;
    this.#unreadFilesMax = options.unreadFilesMax ?? options.openFilesMax;
    assert(this.#unreadFilesMax > 0, "at least one file may be written");
    this.#firstNewId = options.firstNewId;
    this.#onError = options.onError;
    this.#calls = options.calls ?? realFileCalls;
  }

  /**
   * Writes the buffers at `position`; they belong to this class until `done`. The file comes into being with the first
   * byte of a new id; a file that was there and is gone is ENOENT, since a new one would pass holes off as its bytes.
   * One write at a time a file. `done` comes later, never during the call.
   */
  write(id: number, buffers: Buffer[], position: number, done: Done): void {
    const creates = id >= this.#firstNewId && !this.#created.has(id);
    this.#use(id, creates ? "creates" : "", done, (file) => {
      assert(!file.writing, "one write in flight a file");
      file.writing = true;
      file.warm = true;
      this.#writeRest(file.descriptor, buffers, position, (error) => {
        file.writing = false;
        this.#leave(file);
        done(error);
      });
    });
  }

  /** Reads up to `length` bytes at `position` into the start of `buffer`. Fewer: the file ends there. */
  read(id: number, buffer: Buffer, position: number, length: number, done: ReadDone): void {
    const failed = (error: NodeJS.ErrnoException | null): void => done(error, 0);
    this.#use(id, "reads", failed, (file) => {
      this.#calls.read(file.descriptor, buffer, 0, length, position, (error, bytesRead) => {
        this.#leave(file);
        done(error, error === null ? bytesRead : 0);
      });
    });
  }

  /**
   * What `read` would do, at once: the way to another thread and back costs more than most reads. False when the file
   * is not open or does not give all the bytes, and for a while after the disk was slow: then `read` answers. The loop
   * waits for the disk no longer than one such read takes.
   */
  readNow(id: number, buffer: Buffer, position: number, length: number): boolean {
    const file = this.#files.get(id);
    if (file === undefined || file.descriptor === -1 || file.removed || this.#closed !== null) return false;
    const startMs = this.#calls.nowMs();
    if (!file.warm || startMs < this.#readNowAtMs) {
      // What was read through another thread has been read ahead as well.
      file.warm = true;
      return false;
    }
    this.#files.delete(id);
    this.#files.set(id, file);
    this.#wasRead(file);
    let bytesRead = 0;
    try {
      bytesRead = this.#calls.readSync(file.descriptor, buffer, length, position);
    } catch {
      // The read that follows fails alike, and tells.
      bytesRead = -1;
    }
    const endMs = this.#calls.nowMs();
    if (endMs - startMs >= readNowSlowMs) this.#readNowAtMs = endMs + readNowPauseMs;
    return bytesRead === length;
  }

  /** Makes the bytes of a file survive a loss of power (fdatasync). */
  sync(id: number, done: Done): void {
    this.#use(id, "", done, (file) => {
      this.#calls.fdatasync(file.descriptor, (error) => {
        this.#leave(file);
        done(error);
      });
    });
  }

  /** Unlinks a file. Operations under way complete; no others may follow. A file that is not there is no error. */
  remove(id: number, done: Done): void {
    const file = this.#files.get(id);
    if (file !== undefined) file.removed = true;
    this.#created.delete(id);
    if (file !== undefined && file.descriptor === -1) {
      // R-DISK-7: unlinking now could come before the opening that creates the file, and leave it behind.
      file.waiting.push(() => this.#unlink(id, done));
      return;
    }
    if (file !== undefined) this.#closeWhenIdle(file);
    this.#unlink(id, done);
    this.#pump();
  }

  /** Size of an id's file in bytes, -1 when there is none. Not for the byte path. */
  size(id: number): number {
    return this.#calls.sizeSync(this.#path(id));
  }

  /** Free bytes on the disk for this user, at most a second old; -1 when they cannot be told. */
  freeBytes(): number {
    const nowMs = this.#calls.nowMs();
    if (nowMs - this.#freeBytesAtMs < freeBytesMs) return this.#freeBytes;
    this.#freeBytesAtMs = nowMs;
    try {
      this.#freeBytes = this.#calls.freeBytesSync(this.#dataDir);
    } catch (error) {
      this.#freeBytes = -1;
      this.#onError(error as Error);
    }
    return this.#freeBytes;
  }

  /** Closes everything once the operations under way are done; later ones fail with EBADF. */
  closeAll(done: () => void): void {
    assert(this.#closed === null, "files are closed once");
    this.#closed = done;
    for (const file of this.#queue.splice(0)) this.#opened(file, closedError());
    for (const file of [...this.#files.values()]) this.#closeWhenIdle(file);
    this.#ended(0);
  }

  counts(): SpanFilesCounts {
    return { open: this.#open, waiting: this.#queue.length };
  }

  /** Calls `action` with the id's file open and held, or `failed` when it cannot be opened. */
  #use(id: number, how: "creates" | "reads" | "", failed: Done, action: (file: SpanFile) => void): void {
    if (this.#closed !== null) {
      setImmediate(failed, closedError());
      return;
    }
    let file = this.#files.get(id);
    if (file === undefined) {
      const none = { creates: false, uses: 0, writing: false, warm: false, removed: false, read: false };
      file = { id, descriptor: -1, ...none, waiting: [] };
      this.#queue.push(file);
      if (how !== "reads" && this.#unread.size >= this.#unreadFilesMax) this.#closeIdle(this.#unread);
    } else if (file.removed) {
      setImmediate(failed, fileError("ENOENT", "the data file was removed"));
      return;
    }
    // The last of the map is the most recently used.
    this.#files.delete(id);
    this.#files.set(id, file);
    const held = file;
    held.uses += 1;
    if (how === "reads") this.#wasRead(held);
    if (held.descriptor !== -1) {
      action(held);
      return;
    }
    if (how === "creates") held.creates = true;
    held.waiting.push((error) => {
      if (error === null) action(held);
      else {
        held.uses -= 1;
        failed(error);
      }
    });
    this.#pump();
  }

  #wasRead(file: SpanFile): void {
    file.read = true;
    if (this.#unread.delete(file) && this.#queue.length > 0) this.#pump();
  }

  /** The operation is over: an idle file may be closed, if it is removed or others wait for a descriptor. */
  #leave(file: SpanFile): void {
    file.uses -= 1;
    if (file.uses > 0) return;
    const inTheWay = this.#queue.length > 0 && this.#unread.has(file) && this.#unread.size >= this.#unreadFilesMax;
    if (file.removed || this.#closed !== null || inTheWay) this.#closeWhenIdle(file);
    this.#pump();
  }

  /** Opens what waits, closing idle files in order of use to make room. */
  #pump(): void {
    while (this.#closed === null) {
      const at = this.#queue.findIndex((file) => file.read || this.#unread.size < this.#unreadFilesMax);
      // R-DISK-6
      if (at === -1 || (this.#open >= this.#openFilesMax && !this.#closeIdle(this.#files.values()))) return;
      for (const file of this.#queue.splice(at, 1)) {
        this.#open += 1;
        if (!file.read) this.#unread.add(file);
        this.#openFile(file);
      }
    }
  }

  #closeIdle(files: Iterable<SpanFile>): boolean {
    for (const file of files) {
      if (file.uses > 0 || file.descriptor === -1) continue;
      this.#closeWhenIdle(file);
      return true;
    }
    return false;
  }

  /** Closes the file if nothing uses it; otherwise `#leave` comes back here. */
  #closeWhenIdle(file: SpanFile): void {
    if (file.uses > 0 || file.descriptor === -1) return;
    const descriptor = file.descriptor;
    file.descriptor = -1;
    if (this.#files.get(file.id) === file) this.#files.delete(file.id);
    // The place is free at once: the close needs no further care, and a waiting opening need not wait for it.
    this.#open -= 1;
    this.#ending += 1;
    this.#calls.close(descriptor, (error) => {
      if (error !== null) this.#onError(error);
      this.#unread.delete(file);
      this.#ended(1);
    });
  }

  #openFile(file: SpanFile): void {
    const creates = file.creates;
    // R-DISK-4: a new file begins empty, whatever an earlier run left under its name.
    const flags = fs.constants.O_RDWR | (creates ? fs.constants.O_CREAT | fs.constants.O_TRUNC : 0);
    const name = this.#path(file.id);
    this.#calls.open(name, flags, fileMode, (error, descriptor) => {
      if (error === null || error.code !== "ENOENT") this.#openEnded(file, creates, error, descriptor);
      // A write that came while the file was being opened for a reader still creates it.
      else if (!creates && file.creates) this.#openFile(file);
      else if (!creates) this.#openEnded(file, creates, error, -1);
      else {
        this.#calls.mkdir(path.dirname(name), folderMode, (folderError) => {
          if (folderError !== null) this.#openEnded(file, creates, folderError, -1);
          else
            this.#calls.open(name, flags, fileMode, (again, opened) => this.#openEnded(file, creates, again, opened));
        });
      }
    });
  }

  #openEnded(file: SpanFile, created: boolean, error: NodeJS.ErrnoException | null, descriptor: number): void {
    if (error === null) {
      file.descriptor = descriptor;
      if (created && !file.removed) this.#created.add(file.id);
      this.#opened(file, null);
      return;
    }
    this.#open -= 1;
    this.#unread.delete(file);
    const exhausted = error.code === "EMFILE" || error.code === "ENFILE";
    if (!exhausted || this.#closed !== null || (this.#open === 0 && this.#ending === 0)) {
      this.#opened(file, error);
      return;
    }
    // R-DISK-8: the process has fewer descriptors than hoped for. It makes do with what it got, and the file waits
    // until one is really closed.
    this.#openFilesMax = Math.max(1, this.#open);
    this.#onError(error);
    this.#queue.unshift(file);
    this.#closeIdle(this.#files.values());
  }

  /** Tells all who wait for the file, in order. */
  #opened(file: SpanFile, error: NodeJS.ErrnoException | null): void {
    if (error !== null && this.#files.get(file.id) === file) this.#files.delete(file.id);
    for (const waiting of file.waiting.splice(0)) waiting(error);
    if (error === null && file.uses === 0 && (file.removed || this.#closed !== null)) this.#closeWhenIdle(file);
    this.#pump();
    this.#ended(0);
  }

  #unlink(id: number, done: Done): void {
    this.#ending += 1;
    this.#calls.unlink(this.#path(id), (error) => {
      done(error === null || error.code === "ENOENT" ? null : error);
      this.#ended(1);
    });
  }

  /** Goes on after a short write until all bytes are in the file. */
  #writeRest(descriptor: number, buffers: Buffer[], position: number, done: Done): void {
    this.#calls.writev(descriptor, buffers, position, (error, written) => {
      // R-DISK-10: what was full may have room again, so the file stays as it is for the next write.
      if (error !== null) {
        done(error);
        return;
      }
      const rest = buffersAfter(buffers, written);
      if (rest.length === 0) done(null);
      // R-DISK-5: no progress and no error would go on for ever.
      else if (written === 0) done(fileError("EIO", "the file takes no more bytes"));
      else this.#writeRest(descriptor, rest, position + written, done);
    });
  }

  #ended(count: number): void {
    this.#ending -= count;
    if (count > 0) this.#pump();
    if (this.#closed === null || this.#ending > 0 || this.#files.size > 0) return;
    const done = this.#closed;
    this.#closed = () => undefined;
    setImmediate(done);
  }

  #path(id: number): string {
    return path.join(this.#dataDir, dataFileName(id));
  }
}

function closedError(): NodeJS.ErrnoException {
  return fileError("EBADF", "the data files are closed");
}
