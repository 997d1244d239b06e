/** A link that an origin plays: time on the way and bandwidth, the latter shared by all that goes over the link. */
import type { Socket } from "node:net";

export type Link = {
  roundTripMs: number;
  bytesPerMs: number;
  /** When all that was sent so far is through. */
  freeAt: number;
};

/** What one write over a link carries, in bytes: small beside a bandwidth of 1.5 Mbit/s. */
const linkPieceBytes = 8_192;

export function linkOf(roundTripMs: number, kilobits: number): Link {
  return { roundTripMs, bytesPerMs: kilobits / 8, freeAt: 0 };
}

/**
 * The time on the way is waited for before the first byte, and before that the round trips of `handshakes`, which plain
 * loopback lacks: name, TCP, TLS. `onPiece` hears of each piece that goes out, `onEnd` once, when all of it is out or the
 * connection is gone.
 */
export function sendOverLink(
  socket: Socket,
  bytes: Buffer,
  link: Link,
  handshakes: number,
  onPiece: (from: number, to: number) => void = () => undefined,
  onEnd: () => void = () => undefined,
): void {
  const arrives = performance.now() + link.roundTripMs * (1 + handshakes);
  let sent = 0;
  const sendNext = (): void => {
    if (socket.destroyed) {
      onEnd();
      return;
    }
    const piece = bytes.subarray(sent, sent + linkPieceBytes);
    onPiece(sent, sent + piece.length);
    sent += piece.length;
    socket.write(piece);
    if (sent < bytes.length) at(arrivalOf(link, Math.min(bytes.length - sent, linkPieceBytes)), sendNext);
    else onEnd();
  };
  at(arrives, () => at(arrivalOf(link, Math.min(bytes.length, linkPieceBytes)), sendNext));
}

/** When so many bytes are through, behind all that goes over the link already. */
function arrivalOf(link: Link, bytes: number): number {
  const begins = Math.max(performance.now(), link.freeAt);
  link.freeAt = begins + bytes / link.bytesPerMs;
  return link.freeAt;
}

/** Timers count whole milliseconds: what is due within one is done at once, and the lag does not add up. */
function at(time: number, run: () => void): void {
  const wait = time - performance.now();
  if (wait < 0.5) run();
  else setTimeout(run, wait);
}
