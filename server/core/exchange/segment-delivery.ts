/** Which segments of a media playlist come through the proxy, and which the player fetches from their origin by itself. */
import type { Body } from "../download/flight.ts";
import type { TimelineSegment } from "../playlist/media-timeline.ts";
import { headCount, mediaTimeline } from "../playlist/media-timeline.ts";
import type { PlaylistPart } from "../playlist/playlist-part.ts";
import { isStored } from "./playlist-survey.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { remembersUrl } from "./url-memory.ts";

/** "all": through the proxy. "head": the beginning. "cdn-first": what is stored; the rest is fetched in the background. */
export type DeliveryPolicy = "all" | "head" | "cdn-first";

/** By segment, in order: whether the player fetches it by itself; and which parts the proxy then fetches as well. */
export type SegmentDelivery = { direct: boolean[]; later: PlaylistPart[] };

/** How the segments of a playlist are delivered to an exchange. `bytes` is the whole playlist, raw. */
export function segmentDelivery(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  bytes: string,
  nowMs: number,
): SegmentDelivery {
  const { delivery, headMs, headSegments } = state.options;
  const plain: SegmentDelivery = { direct: [], later: [] };
  // R-DELIVER-1, R-DELIVER-2
  if (delivery === "all" || exchange.method === "") return plain;
  if (remembersUrl(state.liveUrls, body.entry.key)) return plain;
  const { segments, certain } = mediaTimeline(bytes, body.entry.finalUrl);
  if (!certain) return plain;
  if (delivery === "cdn-first") return storedFirst(state, exchange, segments, nowMs);
  const count = headCount(segments, headMs, headSegments);
  return { direct: segments.map((_, at) => at >= count), later: [] };
}

/** Whether what goes out to players of a playlist depends on what is stored at the moment. */
export function isMomentary(state: ProxyState, body: Body): boolean {
  // R-DELIVER-5
  return state.options.delivery === "cdn-first" && body.entry.kind === "vod";
}

function storedFirst(
  state: ProxyState,
  exchange: Exchange,
  segments: TimelineSegment[],
  nowMs: number,
): SegmentDelivery {
  const delivery: SegmentDelivery = { direct: [], later: [] };
  for (const { part } of segments) {
    // R-DELIVER-4
    const isDirect = part !== null && !isStored(state, exchange, part, nowMs);
    delivery.direct.push(isDirect);
    if (isDirect) delivery.later.push(part);
  }
  return delivery;
}
