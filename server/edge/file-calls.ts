/**
 * The file system as the data files see it: a parameter, so that a test can hand in a full or failing disk.
 */
import fs from "node:fs";
import { performance } from "node:perf_hooks";

type Failure = NodeJS.ErrnoException | null;

export interface FileCalls {
  open(name: string, flags: number, mode: number, done: (error: Failure, descriptor: number) => void): void;
  writev(descriptor: number, buffers: Buffer[], position: number, done: (error: Failure, bytes: number) => void): void;
  read(
    descriptor: number,
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Failure, bytes: number) => void,
  ): void;
  /** Reads at once; throws the failure. */
  readSync(descriptor: number, buffer: Buffer, length: number, position: number): number;
  fdatasync(descriptor: number, done: (error: Failure) => void): void;
  close(descriptor: number, done: (error: Failure) => void): void;
  unlink(name: string, done: (error: Failure) => void): void;
  /** Creates a folder and those above it; one that is there is no error. */
  mkdir(name: string, mode: number, done: (error: Failure) => void): void;
  /** Size of a file in bytes, -1 when it is not there. */
  sizeSync(name: string): number;
  /** Bytes free for this user on the disk that holds `name`. */
  freeBytesSync(name: string): number;
  /** A clock that only goes forward, in milliseconds. */
  nowMs(): number;
}

/** The machine's own file system. */
export const realFileCalls: FileCalls = {
  open: (name, flags, mode, done) => fs.open(name, flags, mode, (error, descriptor) => done(error, descriptor)),
  writev: (descriptor, buffers, position, done) =>
    fs.writev(descriptor, buffers, position, (error, bytes) => done(error, bytes)),
  read: (descriptor, buffer, offset, length, position, done) =>
    fs.read(descriptor, buffer, offset, length, position, (error, bytes) => done(error, bytes)),
  readSync: (descriptor, buffer, length, position) => fs.readSync(descriptor, buffer, 0, length, position),
  fdatasync: (descriptor, done) => fs.fdatasync(descriptor, (error) => done(error)),
  close: (descriptor, done) => fs.close(descriptor, (error) => done(error ?? null)),
  unlink: (name, done) => fs.unlink(name, (error) => done(error)),
  mkdir: (name, mode, done) => fs.mkdir(name, { recursive: true, mode }, (error) => done(error)),
  sizeSync: (name) => fs.statSync(name, { throwIfNoEntry: false })?.size ?? -1,
  freeBytesSync: (name) => {
    const disk = fs.statfsSync(name);
    return Math.min(disk.bavail * disk.bsize, Number.MAX_SAFE_INTEGER);
  },
  nowMs: () => performance.now(),
};

/** An error with a POSIX code, as the file system gives them. */
export function fileError(code: string, message: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${message}`);
  error.code = code;
  return error;
}

/** What is left of the buffers after their first `count` bytes. */
export function buffersAfter(buffers: Buffer[], count: number): Buffer[] {
  let left = count;
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(index + 1)];
    left -= buffer.length;
  }
  return [];
}
