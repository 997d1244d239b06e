/** Sends bytes to a proxy and tells what came back: everything, and who ended the connection. */
import { connect } from "node:net";

export type Talk = {
  /** All bytes, one char each. */
  text: string;
  /** `announced`: as a response said; `proxy`: of its own accord; `player`: after we had ended our side; or a failure. */
  end: string;
};

/** Time without a byte after which we end our side, unless a response has announced the end, in milliseconds. */
const quietMs = 40;
/** Longest wait for an end, in milliseconds. */
const patienceMs = 5_000;

/**
 * Everything is answered at once or not at all, so the answer does not hang on time: we end our side when nothing more
 * comes, and only then must the proxy end a connection that it has not said it would end.
 */
export function talk(port: number, bytes: Buffer): Promise<Talk> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    let text = "";
    let ended = false;
    let quiet: NodeJS.Timeout | null = null;
    const tell = (end: string): void => {
      clearTimeout(late);
      if (quiet !== null) clearTimeout(quiet);
      socket.destroy();
      resolve({ text, end });
    };
    const late = setTimeout(
      () => tell(ended ? "never, though the player ended" : "never, though announced"),
      patienceMs,
    );
    const wait = (): void => {
      if (quiet !== null) clearTimeout(quiet);
      quiet = setTimeout(() => {
        if (ended || announcesEnd(text)) return;
        ended = true;
        socket.end();
      }, quietMs);
    };
    socket.on("connect", () => {
      socket.write(bytes);
      wait();
    });
    socket.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      wait();
    });
    socket.on("end", () => {
      if (announcesEnd(text)) tell("announced");
      else tell(ended ? "player" : "proxy");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => tell(error.code ?? error.message));
  });
}

function announcesEnd(text: string): boolean {
  return /^Connection: close\r\n/m.test(text);
}
