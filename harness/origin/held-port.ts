/** Keeps the port of a server that listens no more for a while, so that the system gives it to nobody else meanwhile. */
import { once } from "node:events";
import net from "node:net";

export type HeldPort = { release: () => Promise<void> };

/**
 * Stops a server and holds its port: who connects to it is refused, and nobody else on the machine gets it. `onClosed` is
 * called as soon as it listens no more.
 *
 * A connection from that port does it: the system gives away no port that is bound, and lets a server listen on it all
 * the same later (libuv's sockets have SO_REUSEADDR). Between the server's end and the connection lies no more than a
 * turn of this process's event loop.
 */
export async function closeAndHold(
  server: net.Server,
  port: number,
  host: string,
  onClosed: () => void,
): Promise<HeldPort> {
  const sink = net.createServer();
  sink.listen({ port: 0, host });
  await once(sink, "listening");
  const address = sink.address();
  if (address === null || typeof address === "string") throw new Error("the held port's other end has no port");
  const accepted = once(sink, "connection");
  server.close();
  const near = net.connect({ port: address.port, host, localAddress: host, localPort: port });
  onClosed();
  await once(near, "connect");
  const [far] = (await accepted) as [net.Socket];
  sink.close();
  return {
    // Reset, since an orderly end keeps the port for a minute.
    release: async () => {
      const gone = Promise.all([near, far].map((end) => once(end, "close")));
      // The other side hears of the reset, or has ended by itself.
      far.on("error", () => undefined);
      near.resetAndDestroy();
      far.destroy();
      await gone;
    },
  };
}
