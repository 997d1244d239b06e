/**
 * What the index still has to write: changes by entry id, in order of arrival, later ones merged into earlier ones.
 * Plain data, so that the order in which rows reach the disk is decided in one place.
 */

/** The columns of an entry's row, as they stand in the database. */
export type EntryRow = {
  id: number;
  key: string;
  url: string;
  finalUrl: string;
  kind: string;
  /** JSON array of field names and values, flat. */
  fields: string;
  total: number;
  requestMs: number;
  responseMs: number;
  targetDurationMs: number;
  accessMs: number;
  pinned: number;
};

/** Adds the span to those stored, or cuts it out of them. */
export type SpanEdit = { kind: "add" | "cut"; start: number; end: number };

/** All that waits for one id, written in this order: delete, row, spans. */
export type Change = { dropped: boolean; row: EntryRow | null; edits: SpanEdit[] };

export type IndexQueue = {
  changes: Map<number, Change>;
  /** Last access by id, oldest note first. */
  touches: Map<number, number>;
  /** Rows in `changes`; with `touches.size` this is the length of the queue. */
  changedRows: number;
  rowsMax: number;
  /** Rows given up because the queue was full. */
  forgotten: number;
};

/** One batch, taken from the front of the queue and still in it. */
export type Batch = { changes: { id: number; change: Change }[]; touches: { id: number; accessMs: number }[] };

/** An empty queue that holds at most `rowsMax` rows. */
export function indexQueue(rowsMax: number): IndexQueue {
  return { changes: new Map(), touches: new Map(), changedRows: 0, rowsMax, forgotten: 0 };
}

/** Rows that wait. */
export function queueRows(queue: IndexQueue): number {
  return queue.changedRows + queue.touches.size;
}

/**
 * Rows that are to be written at once, 0 when all may wait: as many changes as a transaction takes, or half of what may
 * wait. Touches by themselves wait, since most of what is in use is touched again soon, and the latest replaces them.
 */
export function queueDue(queue: IndexQueue, rowsMax: number): number {
  // R-INDEX-14
  const rows = queueRows(queue);
  if (rows * 2 > queue.rowsMax) return rows;
  return queue.changedRows >= rowsMax ? queue.changedRows : 0;
}

/** The row is to be inserted, or to replace the id's row. */
export function queuePut(queue: IndexQueue, row: EntryRow): void {
  const change = changeOf(queue, row.id);
  if (change.row === null) queue.changedRows += 1;
  change.row = row;
  queue.touches.delete(row.id);
  makeRoom(queue);
}

/** A span was written, or is gone; one that goes on from the one before is merged with it. */
export function queueEdit(queue: IndexQueue, id: number, edit: SpanEdit): void {
  const change = changeOf(queue, id);
  const last = change.edits[change.edits.length - 1];
  if (last !== undefined && last.kind === edit.kind && last.start <= edit.end && edit.start <= last.end) {
    last.start = Math.min(last.start, edit.start);
    last.end = Math.max(last.end, edit.end);
    return;
  }
  change.edits.push({ kind: edit.kind, start: edit.start, end: edit.end });
  queue.changedRows += 1;
  makeRoom(queue);
}

/** The entry was used. The latest counts. */
export function queueTouch(queue: IndexQueue, id: number, accessMs: number): void {
  const row = queue.changes.get(id)?.row;
  if (row !== undefined && row !== null) {
    row.accessMs = accessMs;
    return;
  }
  queue.touches.delete(id);
  queue.touches.set(id, accessMs);
  makeRoom(queue);
}

/** The entry is gone: what waits for it need not be written. */
export function queueDrop(queue: IndexQueue, id: number): void {
  // R-INDEX-6
  const change = changeOf(queue, id);
  queue.changedRows -= changeRows(change);
  change.dropped = true;
  change.row = null;
  change.edits = [];
  queue.changedRows += 1;
  queue.touches.delete(id);
  makeRoom(queue);
}

/** Forgets everything. */
export function queueClear(queue: IndexQueue): void {
  queue.changes.clear();
  queue.touches.clear();
  queue.changedRows = 0;
}

/** The first rows of the queue, at most `rowsMax`: changes before touches. They stay until `queueTake`. */
export function queueBatch(queue: IndexQueue, rowsMax: number): Batch {
  const batch: Batch = { changes: [], touches: [] };
  let room = rowsMax;
  for (const [id, change] of queue.changes) {
    if (room === 0) return batch;
    // R-INDEX-11: the parts of one change are taken in their order, so that a row never comes after its spans.
    const part: Change = { dropped: change.dropped, row: null, edits: [] };
    if (part.dropped) room -= 1;
    if (room > 0 && change.row !== null) {
      part.row = change.row;
      room -= 1;
    }
    part.edits = change.edits.slice(0, room);
    room -= part.edits.length;
    batch.changes.push({ id, change: part });
  }
  for (const [id, accessMs] of queue.touches) {
    if (room === 0) return batch;
    batch.touches.push({ id, accessMs });
    room -= 1;
  }
  return batch;
}

/** Takes a batch off the queue, once it is written. Nothing may have been queued since `queueBatch`. */
export function queueTake(queue: IndexQueue, batch: Batch): void {
  for (const { id, change: part } of batch.changes) {
    const change = queue.changes.get(id);
    if (change === undefined) continue;
    if (part.dropped) change.dropped = false;
    if (part.row !== null) change.row = null;
    change.edits.splice(0, part.edits.length);
    queue.changedRows -= changeRows(part);
    if (changeRows(change) === 0) queue.changes.delete(id);
  }
  for (const { id } of batch.touches) queue.touches.delete(id);
}

function changeOf(queue: IndexQueue, id: number): Change {
  let change = queue.changes.get(id);
  if (change === undefined) {
    change = { dropped: false, row: null, edits: [] };
    queue.changes.set(id, change);
  }
  return change;
}

function changeRows(change: Change): number {
  return (change.dropped ? 1 : 0) + (change.row === null ? 0 : 1) + change.edits.length;
}

/**
 * Keeps the queue bounded while nothing can be written. Each loss is safe: without a touch an entry looks older,
 * without a row or a span its bytes are fetched again in a later run, and a drop that is lost leaves a row whose file
 * is missing, which the next start finds out.
 */
function makeRoom(queue: IndexQueue): void {
  while (queueRows(queue) > queue.rowsMax) {
    // R-INDEX-9
    const oldestTouch = queue.touches.keys().next();
    if (oldestTouch.done !== true) {
      queue.touches.delete(oldestTouch.value);
      queue.forgotten += 1;
      continue;
    }
    const oldest = queue.changes.entries().next();
    if (oldest.done === true) return;
    const [id, change] = oldest.value;
    queue.changes.delete(id);
    queue.changedRows -= changeRows(change);
    queue.forgotten += changeRows(change);
  }
}
