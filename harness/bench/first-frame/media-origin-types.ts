/** What the origin of `first-frame` is told and answers, between its process and the bench. */

/**
 * The link that all of one play goes over; null plays none. `handshakes`: round trips before the first request of the
 * next new connection; those after it take TCP's and TLS's only.
 */
export type LinkShape = { roundTripMs: number; kilobits: number; handshakes: number } | null;

/** `quiet` is answered once nothing is under way, and nothing new has come for a while. */
export type OriginOrder =
  | { id: number; order: "shape"; play: string; shape: LinkShape }
  | { id: number; order: "count" | "quiet" | "forget"; play: string };

/** Since the play's link was shaped last. */
export type Counted = {
  /** Paths that were asked for, in order. */
  asked: string[];
  /** Connections that brought a first request. */
  connections: number;
  /** Bytes of bodies that went out. */
  bytes: number;
  /** Those of them that had gone out before, for the same play. */
  bytesTwice: number;
};

export type OriginAnswer = { id: number; counted: Counted };
