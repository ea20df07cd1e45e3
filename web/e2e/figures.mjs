// What is promised in figures, measured and printed. Machines differ and this one does other things too, so only
// what would be broken anywhere fails.

import { moment } from "./harness.mjs";
import { button, speed } from "./stage.mjs";

/** A figure this many times as bad as promised is no matter of the machine. */
const PATIENCE = 20;

export async function figures(run) {
  await run.check("figures", async (open) => {
    const page = await open();
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
    tell("first paint", paint, "ms", 1000);
    const stage = await page.evaluate(() => performance.now());
    console.log(`          (the stage stood ${stage.toFixed(0)} ms after the beginning, at most)`);

    await speed(page, 6);
    await button(page, "Play").click();
    const frames = await framesPerSecond(page);
    await button(page, "Pause").click();
    tell("frames, 3 Sentinels and 3 data nodes", frames, "a second", 60, "least");

    const took = await handled(page, () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", shiftKey: true, bubbles: true })));
    console.log(`          (${took.seconds} simulated seconds in ${took.ms.toFixed(1)} ms)`);
    tell("simulation, 3 Sentinels and 3 data nodes", (took.seconds * 1000) / took.ms, "times real time", 1000, "least");
    console.log(`          (at ${(await moment(page)).now / 1e6} s)`);
  });
}

/** Tells a figure beside what is promised, and fails if it is beyond all patience. */
function tell(what, figure, unit, promised, bound = "most") {
  console.log(`          ${what}: ${figure.toFixed(1)} ${unit} (promised: at ${bound} ${promised})`);
  const isBeyond = bound === "most" ? figure > promised * PATIENCE : figure < promised / PATIENCE;
  if (isBeyond) throw new Error(`${what}: ${figure} ${unit} is far from what is promised`);
}

/** Frames that the browser draws in a second, counted over three. */
function framesPerSecond(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        let [count, first] = [0, 0];
        const frame = (at) => {
          first ||= at;
          if (at - first >= 3000) return resolve((count * 1000) / (at - first));
          count += 1;
          requestAnimationFrame(frame);
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
      observer.observe(root, { attributes: true, attributeFilter: ["data-now", "data-hash"] });
    });
    const start = performance.now();
    (${deed})();
    const end = await seen;
    return { ms: end - start, seconds: (Number(root.dataset.now) - before) / 1e6 };
  })()`);
}
