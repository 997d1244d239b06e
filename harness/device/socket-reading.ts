/** Reads a socket piece by piece and leaves in it what comes after, so that it can be handed on. */
import type { Socket } from "node:net";

/** The other side ended the connection, or said nothing for too long. */
export class ReadingError extends Error {
  readonly why: "ended" | "silent";

  constructor(why: "ended" | "silent") {
    super(why === "ended" ? "the connection ended" : "nothing came");
    this.why = why;
  }
}

/** Exactly so many bytes. Rejects with a `ReadingError` at the connection's end or after `patienceMs`. */
export function readExactly(socket: Socket, count: number, patienceMs: number): Promise<Buffer> {
  return reading(socket, patienceMs, () => {
    const bytes = socket.read(count) as Buffer | null;
    // At its end a socket gives what is left, however little.
    return bytes === null || bytes.length < count ? null : bytes;
  });
}

/** The bytes up to the next line feed, without it; what follows stays. Rejects as `readExactly`. */
export function readLine(socket: Socket, patienceMs: number): Promise<string> {
  const pieces: Buffer[] = [];
  return reading(socket, patienceMs, () => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return null;
    const end = bytes.indexOf(0x0a);
    if (end < 0) {
      pieces.push(bytes);
      return null;
    }
    if (end + 1 < bytes.length) socket.unshift(bytes.subarray(end + 1));
    return Buffer.concat([...pieces, bytes.subarray(0, end)]);
  }).then((bytes) => bytes.toString("utf8"));
}

function reading(socket: Socket, patienceMs: number, take: () => Buffer | null): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      socket.removeListener("readable", look);
      socket.removeListener("end", ended);
      socket.removeListener("error", ended);
      socket.removeListener("close", ended);
      finish();
    };
    const look = (): void => {
      const bytes = take();
      if (bytes !== null) settle(() => resolve(bytes));
    };
    const ended = (): void => settle(() => reject(new ReadingError("ended")));
    const timer = setTimeout(() => settle(() => reject(new ReadingError("silent"))), patienceMs);
    socket.on("readable", look);
    socket.on("end", ended);
    socket.on("error", ended);
    socket.on("close", ended);
    if (socket.destroyed) ended();
    else look();
  });
}
