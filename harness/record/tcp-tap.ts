/**
 * A listener that stands between a player and a proxy and passes bytes on untouched, while it keeps every one of them
 * with its time and its place among all events. It knows nothing of HTTP, so nothing is lost that a parser would tidy.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { resetSocket } from "../../server/test/support/socket-reset.ts";

/** Bytes that passed at once. `order` counts all events of the tap; `ms` is since its start. */
export type TapChunk = { order: number; ms: number; bytes: Buffer };

/** How a side ended its connection: `close` is FIN, `reset` is RST. */
export type TapEnd = { order: number; ms: number; how: "close" | "reset" };

/** One connection of the player, in the order in which they were opened. */
export type TapConnection = {
  name: string;
  order: number;
  ms: number;
  playerPort: number;
  fromPlayer: TapChunk[];
  fromProxy: TapChunk[];
  playerEnd: TapEnd | null;
  proxyEnd: TapEnd | null;
};

/** `close` stops listening and cuts what is open; what was kept stays. */
export type Tap = { port: number; startedAt: Date; connections: TapConnection[]; close: () => Promise<void> };

type Counter = { order: number; startedAt: number };

/** Starts a tap in front of a port of this machine. It listens on loopback, on a port of its own choice unless given. */
export async function startTap(targetPort: number, port = 0): Promise<Tap> {
  const connections: TapConnection[] = [];
  const counter: Counter = { order: 0, startedAt: performance.now() };
  const startedAt = new Date();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (player) => {
    const proxy = connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const connection: TapConnection = {
      name: `c${connections.length + 1}`,
      ...stamp(counter),
      playerPort: player.remotePort ?? 0,
      fromPlayer: [],
      fromProxy: [],
      playerEnd: null,
      proxyEnd: null,
    };
    connections.push(connection);
    keep(sockets, player);
    keep(sockets, proxy);
    pass(player, proxy, counter, connection.fromPlayer, (end) => {
      connection.playerEnd ??= end;
    });
    pass(proxy, player, counter, connection.fromProxy, (end) => {
      connection.proxyEnd ??= end;
    });
  });
  const actual = await listen(server, port);
  return {
    port: actual,
    startedAt,
    connections,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Passes one direction on, never faster than the receiver takes it, and the end in the way that it came. */
function pass(from: Socket, to: Socket, counter: Counter, kept: TapChunk[], ended: (end: TapEnd) => void): void {
  from.on("data", (bytes: Buffer) => {
    // What comes after the receiver has left was never seen by it.
    if (to.destroyed) return;
    kept.push({ ...stamp(counter), bytes });
    if (!to.write(bytes)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  });
  from.on("end", () => {
    ended({ ...stamp(counter), how: "close" });
    to.end();
  });
  from.on("error", () => {
    ended({ ...stamp(counter), how: "reset" });
    resetSocket(to);
  });
}

function stamp(counter: Counter): { order: number; ms: number } {
  counter.order += 1;
  return { order: counter.order, ms: performance.now() - counter.startedAt };
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.removeListener("error", reject);
      const address = server.address();
      resolve(address === null || typeof address === "string" ? 0 : address.port);
    });
  });
}
