/** Reads stored playlists for who asks what is stored: the core says which texts it needs, as often as it needs some. */

import type { Body } from "../core/download/flight.ts";
import { releaseBody } from "../core/exchange/body-life.ts";
import type { TextShelf } from "../core/exchange/presentation.ts";
import type { Engine } from "./engine.ts";

/** Bytes of texts for one answer; of more the rest counts as unreadable. */
const shelfBytesMax = 67_108_864;

/** Times that texts are read for one answer: a playlist may be replaced meanwhile, but not for ever. */
const roundsMax = 8;

/**
 * Asks the core; when it needs texts, reads them and asks again. `ask` returns null until it has all that it needs;
 * `done` is called with what it returned then, at once when nothing had to be read, and with null when the proxy stopped
 * meanwhile.
 */
export function withTexts<T>(
  engine: Engine,
  ask: (shelf: TextShelf, nowMs: number) => T | null,
  done: (answer: T | null) => void,
): void {
  const shelf: TextShelf = { texts: new Map(), needed: [] };
  let left = shelfBytesMax;
  let rounds = 0;
  const round = (): void => {
    let answer: T | null = null;
    if (!engine.stopped) {
      engine.run((nowMs) => {
        answer = ask(shelf, nowMs);
      });
    }
    if (answer !== null || engine.stopped) {
      done(answer);
      return;
    }
    rounds += 1;
    next(shelf.needed.slice(), 0);
  };
  const next = (bodies: Body[], from: number): void => {
    for (const [at, body] of bodies.entries()) {
      if (at < from) continue;
      const length = body.entry.total;
      if (length > left || length === 0 || rounds > roundsMax) {
        shelf.texts.set(body.entry.id, "");
        continue;
      }
      left -= length;
      readText(engine, body, length, (text) => {
        shelf.texts.set(body.entry.id, text);
        next(bodies, at + 1);
      });
      return;
    }
    round();
  };
  round();
}

/** The body's text, "" when it cannot be read; its file stays meanwhile. */
function readText(engine: Engine, body: Body, length: number, done: (text: string) => void): void {
  const buffer = Buffer.alloc(length);
  body.uses += 1;
  engine.files.read(body.entry.id, buffer, 0, length, (error, bytesRead) => {
    engine.run(() => {
      body.uses -= 1;
      releaseBody(engine.state, body);
    });
    done(error === null && bytesRead === length ? buffer.toString("latin1") : "");
  });
}
