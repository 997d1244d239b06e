/** A player's end of a connection: exact bytes out, bytes in only when somebody asks for them (real back-pressure). */
import { connect, type Socket } from "node:net";
import { resetSocket } from "../../server/test/support/socket-reset.ts";

/** How the other side ended the connection, "no" while it has not. */
export type Ended = "no" | "fin" | "reset";

export type Wire = {
  /** Resolves once the kernel has the bytes, or the connection is gone: what is written is sent, also before a close. */
  write: (bytes: string) => Promise<void>;
  /** The bytes that have arrived and are not taken yet. */
  peek: () => Buffer;
  take: (count: number) => Buffer;
  /** Waits for more bytes than `peek` shows; false at the end of the connection. Throws after `patienceMs`. */
  more: () => Promise<boolean>;
  ended: () => Ended;
  close: () => void;
  reset: () => void;
  halfClose: () => void;
};

const patienceMs = 15_000;

/** The player's end of a connection that stands. */
export function wireOn(socket: Socket): Wire {
  let buffered: Buffer = Buffer.alloc(0);
  let ended: Ended = socket.destroyed ? "reset" : "no";
  let wake: () => void = () => undefined;
  const over = (how: Ended) => (): void => {
    if (ended === "no") ended = how;
    wake();
  };
  socket.on("readable", () => wake());
  socket.on("end", over("fin"));
  socket.on("error", over("reset"));
  socket.on("close", over("fin"));
  const arrived = (): boolean => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return false;
    buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes]);
    return true;
  };
  return {
    write: (bytes) => new Promise((resolve) => socket.write(Buffer.from(bytes, "latin1"), () => resolve())),
    peek: () => buffered,
    take: (count) => {
      const bytes = buffered.subarray(0, count);
      buffered = buffered.subarray(count);
      return bytes;
    },
    more: async () => {
      const deadline = performance.now() + patienceMs;
      for (;;) {
        if (arrived()) return true;
        if (ended !== "no") return false;
        if (performance.now() > deadline) throw new Error(`nothing arrived for ${patienceMs} ms`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(1, deadline - performance.now()));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    ended: () => ended,
    close: () => void socket.destroy(),
    // Only TCP knows resets: a forwarder's local socket is closed, which the forwarder turns into one.
    reset: () => (socket.remoteAddress === undefined ? void socket.destroy() : resetSocket(socket)),
    halfClose: () => void socket.end(),
  };
}

/** A connection to a target on this machine. */
export function openSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.removeListener("error", reject);
      resolve(socket);
    });
  });
}
