/** What the tests of the data files share: the operations as promises. */
import type { FileCalls } from "../../edge/file-calls.ts";
import { SpanFiles } from "../../edge/span-files.ts";

/** What a file operation ends with. */
export type Failure = NodeJS.ErrnoException | null;

/** Data files of a test; whatever no callback carries fails the test. */
export function openFiles(
  test: { fail(message: string): unknown },
  dataDir: string,
  calls?: FileCalls,
  openFilesMax = 4,
): SpanFiles {
  const onError = (error: Error): void => {
    test.fail(`onError: ${error.message}`);
  };
  const options = { openFilesMax, firstNewId: 1, onError };
  return new SpanFiles(dataDir, calls === undefined ? options : { ...options, calls });
}

export function writeFile(files: SpanFiles, id: number, buffers: Buffer[], position: number): Promise<Failure> {
  return new Promise((resolve) => files.write(id, buffers, position, resolve));
}

export function readFile(files: SpanFiles, id: number, position: number, length: number): Promise<Buffer | string> {
  const buffer = Buffer.alloc(length);
  return new Promise((resolve) => {
    files.read(id, buffer, position, length, (error, bytes) =>
      resolve(error === null ? buffer.subarray(0, bytes) : (error.code ?? "")),
    );
  });
}

export function removeFile(files: SpanFiles, id: number): Promise<Failure> {
  return new Promise((resolve) => files.remove(id, resolve));
}

export function closeFiles(files: SpanFiles): Promise<void> {
  return new Promise((resolve) => files.closeAll(resolve));
}
