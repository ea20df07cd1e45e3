// What is promised in figures, measured and printed. Machines differ and this one does other things too, so only
// what would be broken anywhere fails.

import { fragmentOf, moment, until } from "./harness.mjs";
import { button } from "./stage.mjs";

/** A figure this many times as bad as promised is no matter of a machine that does other things too. */
const PATIENCE = 4;

/** Worlds as texts of scenarios. */
const SEVENTEEN = "title Seventeen Sentinels\nseed 1\nredis 5\nsentinels 17\nquorum 9\nwriter 50ms\n";
const FIVE = "title Five Sentinels\nseed 1\nredis 3\nsentinels 5\nquorum 3\nwriter 50ms\n";
const MINUTES = 10;
/** How long of simulated time it takes until browsers have compiled what is used most. */
const FIRST_SECONDS = 240;

export async function figures(run) {
  await run.check("first paint, and simulated time", async (open) => {
    const page = await open();
    const [paint, stage] = await page.evaluate(() => [
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
      performance.now(),
    ]);
    tell("first paint", paint, "ms", 1000);
    note(`the stage stood ${stage.toFixed(0)} ms after the beginning, at most`);
    // A browser compiles WASM again, better, while it runs: the first minutes are slower than all that follow.
    const first = await simulate(page, FIRST_SECONDS);
    const then = await simulate(page, MINUTES * 60);
    note(`the first ${told(first)}, while the browser still compiles`);
    note(`then ${told(then)}`);
    tell("simulation of 3 Sentinels and 3 data nodes", then.times, "times real time", 1000, "least");
  });

  await run.check("frames with 17 Sentinels and 5 data nodes", async (open) => {
    const page = await open({ fragment: fragmentOf(SEVENTEEN) });
    await until(page, "17 Sentinels stand", () => document.querySelectorAll(".world .node.sentinel").length === 17);
    const empty = await page.context().newPage();
    const [blank] = await framesPerSecond(empty);
    await empty.close();
    await button(page, "Play").click();
    const [frames, usual] = await framesPerSecond(page);
    tell("frames", frames, "a second", 60, "least");
    note(`${usual.toFixed(1)} ms from one frame to the next, as a rule; ${blank.toFixed(1)} a second of an empty page`);
  });

  await run.check(`a step back after ${MINUTES} minutes of 5 Sentinels`, async (open) => {
    const page = await open({ fragment: fragmentOf(FIVE) });
    await until(page, "5 Sentinels stand", () => document.querySelectorAll(".world .node.sentinel").length === 5);
    let { now } = await moment(page);
    while (now < MINUTES * 60e6) {
      await handled(page, toNextEvent);
      ({ now } = await moment(page));
    }
    const times = [];
    for (let steps = 0; steps < 5; steps += 1) times.push((await handled(page, stepBack)).ms);
    note(`each: ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    tell("a step back", times.sort((a, b) => a - b)[2], "ms", 50);
  });
}

/** Goes on from event to event for so many simulated seconds; how fast, by the clock and by the page's own thread. */
async function simulate(page, wanted) {
  const threadSeconds = await threadClock(page);
  const before = await threadSeconds();
  let [clock, seconds] = [0, 0];
  while (seconds < wanted) {
    const pressed = await handled(page, toNextEvent);
    clock += pressed.ms / 1000;
    seconds += pressed.seconds;
  }
  return { seconds, clock, times: seconds / clock, ofThread: seconds / ((await threadSeconds()) - before) };
}

function told({ seconds, clock, times, ofThread }) {
  const inAll = `${seconds.toFixed(0)} simulated seconds in ${(clock * 1000).toFixed(0)} ms: ${times.toFixed(0)} times`;
  return `${inAll}, ${ofThread.toFixed(0)} times by the page's own thread, without what others do`;
}

function toNextEvent() {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", shiftKey: true, bubbles: true }));
}

function stepBack() {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
}

function note(text) {
  console.log(`          (${text})`);
}

/** Tells a figure beside what is promised, and fails if there is none, or it is beyond all patience. */
function tell(what, figure, unit, promised, bound = "most") {
  if (!Number.isFinite(figure) || figure <= 0) throw new Error(`${what}: ${figure} is no measurement`);
  console.log(`          ${what}: ${figure.toFixed(1)} ${unit} (promised: at ${bound} ${promised})`);
  const isBeyond = bound === "most" ? figure > promised * PATIENCE : figure < promised / PATIENCE;
  if (isBeyond) throw new Error(`${what}: ${figure} ${unit} is far from what is promised`);
}

/** A clock that tells how long the page's own thread has worked: other work on the machine does not count. */
async function threadClock(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "ThreadTime").value;
  };
}

/** Frames that the browser draws in a second, counted over three, and the median of the times between them. */
function framesPerSecond(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        let [first, last] = [0, 0];
        const spans = [];
        const frame = (at) => {
          if (first > 0) spans.push(at - last);
          first ||= at;
          last = at;
          if (at - first < 3000) return requestAnimationFrame(frame);
          spans.sort((a, b) => a - b);
          resolve([(spans.length * 1000) / (at - first), spans[spans.length >> 1]]);
        };
        requestAnimationFrame(frame);
      }),
  );
}

/** How long it takes until something done is seen in the document, and how much simulated time passes by it. */
function handled(page, deed) {
  return page.evaluate(`(async () => {
    const root = document.querySelector(".page");
    const before = Number(root.dataset.now);
    const seen = new Promise((resolve) => {
      const observer = new MutationObserver(() => { observer.disconnect(); resolve(performance.now()); });
      observer.observe(root, { attributes: true, attributeFilter: ["data-now", "data-steps"] });
    });
    const start = performance.now();
    (${deed})();
    const end = await seen;
    return { ms: end - start, seconds: (Number(root.dataset.now) - before) / 1e6 };
  })()`);
}
