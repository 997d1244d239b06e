/** One play of one way: what is to be there before, the link, the play, and what the origin counted meanwhile. */
import type { Figures, RunningContender, Turn } from "../bench-types.ts";
import { freshName } from "../fresh-paths.ts";
import { fetchStart } from "./fetch-start.ts";
import type { PlayedLink } from "./links.ts";
import type { MediaSet } from "./media.ts";
import type { MediaOrigin } from "./media-origin.ts";
import type { Counted } from "./media-origin-types.ts";
import type { Engine, Played, Player } from "./player.ts";
import type { Way } from "./ways.ts";

/** What plays have in hand. */
export type Stage = {
  origin: MediaOrigin;
  player: Player;
  running: Map<string, RunningContender>;
  /** How many seconds are played; of none, the first frame alone. */
  seconds: number;
};

export type Setting = { link: PlayedLink; engine: Engine; set: MediaSet };

/** Under a name of its own, so that nobody has anything of it and nothing else goes over its link. */
export async function playOnce(stage: Stage, way: Way, { link, engine, set }: Setting): Promise<Turn> {
  const { origin, player, seconds } = stage;
  const play = freshName();
  const path = `/${play}/${set.name}/${set.playlist}`;
  const server = way.server === null ? null : (stage.running.get(way.server) ?? null);
  const url = `http://127.0.0.1:${server?.port ?? origin.port}${server?.targetOf(path) ?? path}`;
  if (way.secondsBefore !== null) {
    try {
      await fetchStart(url, way.secondsBefore);
    } catch (error) {
      // The server's fault, and no reason to lose the other ways' figures.
      return { figures: {}, faults: [`before the play: ${error instanceof Error ? error.message : String(error)}`] };
    }
    await origin.quiet(play);
  }
  await origin.shape(play, { roundTripMs: link.roundTripMs, kilobits: link.kilobits, handshakes: way.handshakes });
  let counted: Counted = { asked: [], connections: 0, bytes: 0, bytesTwice: 0 };
  const played = await player.play(engine, url, seconds, async () => {
    counted = await origin.count(play);
  });
  // What is under way still ends at once, and takes nothing from the next play.
  await origin.shape(play, null);
  await origin.quiet(play);
  await origin.forget(play);
  return turnOf(way, played, counted);
}

/** A play's figures; what is wrong with it, in words. */
export function turnOf(way: Pick<Way, "full">, played: Played, counted: Counted): Turn {
  const figures: Figures = {
    rebuffers: played.rebuffers,
    stalledMs: played.stalledMs,
    originConnections: counted.connections,
    originKilobytes: counted.bytes / 1_000,
    twiceKilobytes: counted.bytesTwice / 1_000,
  };
  if (played.firstFrameMs !== null) figures.firstFrameMs = played.firstFrameMs;
  const faults = played.fault === null ? [] : [played.fault];
  if (way.full && counted.asked.length > 0)
    faults.push(`the origin was asked for ${counted.asked[0]}, which is stored`);
  return { figures, faults };
}
