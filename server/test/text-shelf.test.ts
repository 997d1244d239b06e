/** The texts of stored playlists are read for whoever asks what is stored, and for nobody when the proxy stops. */
import t from "tap";
import type { Body } from "../core/download/flight.ts";
import type { TextShelf } from "../core/exchange/presentation.ts";
import { pinPresentation, presentationBodies } from "../core/exchange/presentation.ts";
import type { Engine } from "../edge/engine.ts";
import { withTexts } from "../edge/text-shelf.ts";
import { stagePlaybook } from "./support/exchange-playbook.ts";

type ReadDone = (error: Error | null, bytesRead: number) => void;

const text = "#EXTM3U\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n";

/** An engine of which the test ends the reads, with one stored playlist. */
function stage(): { engine: Engine; stop: () => void; reads: ((good: boolean) => void)[]; body: Body | undefined } {
  const sim = stagePlaybook({
    machine: "exchange",
    title: "",
    rules: [],
    stored: [{ url: "http://o.example/m.m3u8", total: text.length, spans: [0, text.length], kind: "vod" }],
    steps: [],
  });
  const reads: ((good: boolean) => void)[] = [];
  const engine = {
    state: sim.state,
    stopped: false,
    run: (event: (nowMs: number) => void) => event(0),
    files: {
      read: (_id: number, buffer: Buffer, _position: number, length: number, done: ReadDone) => {
        reads.push((good) => {
          if (good) buffer.write(text, "latin1");
          done(good ? null : new Error("EBADF"), good ? length : 0);
        });
      },
    },
  };
  const stop = (): void => {
    engine.stopped = true;
  };
  return { engine: engine as unknown as Engine, stop, reads, body: sim.state.table.bodies[0] };
}

/** Pins the playlist of the stage as control does. */
function pin(engine: Engine, told: (number | null)[]): void {
  const question = (shelf: TextShelf): number | null => {
    shelf.needed = [];
    const changed = pinPresentation(engine.state, "http://o.example/m.m3u8", true, shelf);
    return shelf.needed.length > 0 ? null : changed;
  };
  withTexts(engine, question, (answer) => told.push(answer));
}

t.test("an answer follows when its texts are read, and an unreadable one names nothing", (t) => {
  for (const good of [true, false]) {
    const { engine, reads, body } = stage();
    const told: (number | null)[] = [];
    pin(engine, told);
    t.equal(body?.uses, 1, "its file stays");
    t.same(told, []);
    reads[0]?.(good);
    t.same(told, [1]);
    t.equal(body?.entry.pinned, true);
    t.equal(body?.uses, 0);
    t.equal(reads.length, 1);
  }
  t.end();
});

t.test("a proxy that stops meanwhile changes nothing any more: its index takes no more rows", (t) => {
  for (const good of [true, false]) {
    const { engine, stop, reads, body } = stage();
    const told: (number | null)[] = [];
    pin(engine, told);
    stop();
    reads[0]?.(good);
    t.same(told, [null]);
    t.equal(body?.entry.pinned, false);
    t.equal(body?.uses, 0);
    t.same(engine.state.actions, []);
  }
  t.end();
});

t.test("a proxy that has stopped is asked nothing", (t) => {
  const { engine, stop } = stage();
  stop();
  const told: unknown[] = [];
  withTexts(
    engine,
    (shelf) => presentationBodies(engine.state, "http://o.example/m.m3u8", shelf),
    (answer) => told.push(answer),
  );
  t.same(told, [null]);
  t.end();
});
