/**
 * What a player did, whoever watched it: connections, and on each of them requests with their responses. Made from a
 * tap's bytes or from an imported HAR, and read by the writers of cases and of HAR.
 */

/** A moment: `order` sorts all moments of one recording (equal times keep it), `ms` is since its begin. */
export type Moment = { order: number; ms: number };

export type RecordedConnection = {
  name: string;
  opened: Moment;
  /** How and when the player left it; null when the recording ended first, or the proxy left before. */
  left: (Moment & { how: "close" | "reset" }) | null;
  /** When the proxy ended it, before the player did; else null. */
  ended: Moment | null;
  playerPort: number;
};

export type RecordedRequest = {
  connection: string;
  /** The request's head, exact, latin1, with its empty line. */
  head: string;
  method: string;
  target: string;
  version: string;
  /** Fields as they came, [name, value]. */
  fields: [string, string][];
  sent: Moment;
  /** null when the player left before any head came. */
  response: RecordedResponse | null;
};

export type RecordedResponse = {
  /** The head, exact, latin1, with its empty line. */
  head: string;
  version: string;
  status: number;
  reason: string;
  fields: [string, string][];
  /** Body without its framing. */
  body: Buffer;
  /** False when a side left before the framing was complete. */
  complete: boolean;
  headAt: Moment;
  endAt: Moment;
};

export type Recording = {
  /** Name and version as the player gives it. */
  player: string;
  startedAt: Date;
  connections: RecordedConnection[];
  /** In the order in which they were sent. */
  requests: RecordedRequest[];
};

/** The value of the first field of a name (lower case), or null. */
export function fieldValue(fields: [string, string][], lowerName: string): string | null {
  return fields.find(([name]) => name.toLowerCase() === lowerName)?.[1] ?? null;
}
