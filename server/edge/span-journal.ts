/**
 * Between the data files and the index: a span's row is queued only once its bytes would survive a loss of power. One
 * file is synchronised at a time, off the loop, so that reads are not held up behind it; nothing waits for it but rows.
 */
import { spanAdd } from "../core/cache/span-set.ts";

export type SpanJournalParts = {
  /** Makes a file's bytes durable (fdatasync). */
  sync: (id: number, done: (error: NodeJS.ErrnoException | null) => void) => void;
  /** Queues a span's row. */
  record: (id: number, start: number, end: number) => void;
  /** Time over which the spans of a file gather before it is synchronised, in milliseconds. */
  journalMs: number;
  onError: (error: Error) => void;
};

export class SpanJournal {
  private readonly parts: SpanJournalParts;
  /** Spans that wait for their file's synchronisation, by entry id, oldest file first. */
  private readonly waiting = new Map<number, number[]>();
  private syncing = -1;
  private timer: NodeJS.Timeout | null = null;
  private flushed: (() => void) | null = null;

  constructor(parts: SpanJournalParts) {
    this.parts = parts;
  }

  /** The bytes from `start` to `end` (exclusive) of an entry are in its file. */
  add(id: number, start: number, end: number): void {
    const spans = this.waiting.get(id) ?? [];
    spanAdd(spans, start, end);
    this.waiting.set(id, spans);
    if (this.timer === null && this.syncing === -1)
      this.timer = setTimeout(() => this.next(), this.parts.journalMs).unref();
  }

  /** The entry is gone: its spans get no row. */
  drop(id: number): void {
    this.waiting.delete(id);
    if (this.syncing === id) this.syncing = 0;
  }

  /** Queues every row; calls `done` once that is so. */
  flush(done: () => void): void {
    this.flushed = done;
    if (this.syncing === -1) this.next();
  }

  private next(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const first = this.waiting.entries().next();
    if (first.done === true) {
      const done = this.flushed;
      this.flushed = null;
      done?.();
      return;
    }
    const [id, spans] = first.value;
    this.waiting.delete(id);
    this.syncing = id;
    this.parts.sync(id, (error) => {
      // R-CACHE-6: 0 when the entry was dropped meanwhile; what cannot be made durable gets no row.
      if (error !== null) this.parts.onError(error);
      else if (this.syncing === id) this.record(id, spans);
      this.syncing = -1;
      this.next();
    });
  }

  private record(id: number, spans: number[]): void {
    for (let at = 0; at + 1 < spans.length; at += 2) this.parts.record(id, spans[at] ?? 0, spans[at + 1] ?? 0);
  }
}
