/**
 * The page that `first-frame` plays in: loads one presentation, and tells when its first frame was presented and how
 * the playback went on until so many seconds of it were seen.
 */

// The page's script calls it by name.
window.playFirstFrame = ({ url, engine, seconds, patienceMs }) =>
  new Promise((resolve) => {
    const video = document.createElement("video");
    video.muted = true;
    // Playlists may name another origin's segments; so both players ask alike.
    video.crossOrigin = "anonymous";
    video.width = 480;
    document.body.append(video);
    let hls = null;
    let firstFrameMs = null;
    let playing = false;
    let waitingAt = null;
    let stalledMs = 0;
    let rebuffers = 0;
    let seenSeconds = 0;

    const goOn = () => {
      if (waitingAt !== null) stalledMs += performance.now() - waitingAt;
      waitingAt = null;
    };
    const done = (fault) => {
      goOn();
      resolve({ fault, firstFrameMs, rebuffers, stalledMs, seenSeconds });
      clearTimeout(timer);
      hls?.destroy();
      video.remove();
    };
    const timer = setTimeout(() => done(`${seenSeconds.toFixed(1)} of ${seconds} s were seen in time`), patienceMs);
    const onFrame = (_now, frame) => {
      firstFrameMs ??= frame.presentationTime - beganAt;
      seenSeconds = frame.mediaTime;
      if (seenSeconds >= seconds) done(null);
      else video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
    video.addEventListener("playing", () => {
      playing = true;
      goOn();
    });
    // Before the first "playing" it waits for its start, which is another figure.
    video.addEventListener("waiting", () => {
      if (!playing || waitingAt !== null) return;
      rebuffers += 1;
      waitingAt = performance.now();
    });
    video.addEventListener("error", () => done(`media error: ${video.error?.message || video.error?.code}`));

    const beganAt = performance.now();
    if (engine === "native") {
      video.src = url;
    } else {
      hls = new window.Hls({ enableWorker: false, startPosition: 0 });
      hls.on(window.Hls.Events.ERROR, (_event, data) => {
        if (data.fatal) done(`hls.js: ${data.type} ${data.details}`);
      });
      hls.loadSource(url);
      hls.attachMedia(video);
    }
    video.play().catch((error) => done(`play: ${error.message}`));
  });
