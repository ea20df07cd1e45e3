// Whether the page does what it is for.

import { SIZES, equal, moment, until } from "./harness.mjs";
import { button, node, seek, speed } from "./stage.mjs";

export async function checks(run) {
  await run.check("it loads and shows a settled deployment", async (open) => {
    const page = await open();
    await node(page, "redis-1", "master").waitFor();
    equal(await page.locator(".node.sentinel.up").count(), 3, "Sentinels that are up");
    equal(await page.locator(".node.data").count(), 3, "data nodes");
  });

  await run.check("a killed master is replaced, and going back and on finds the same", async (open) => {
    const page = await open();
    await node(page, "redis-1", "master").click();
    await button(page, "Kill").click();
    await node(page, "redis-1", "killed").waitFor();
    await speed(page, 7);
    await button(page, "Play").click();
    await node(page, "redis-[23]", "master").waitFor();
    await page.locator(".mark.switch").first().waitFor({ state: "attached" });
    await button(page, "Pause").click();
    const there = await moment(page);

    const hashes = new Map([[there.steps, there.hash]]);
    for (let steps = there.steps - 1; steps >= there.steps - 5; steps -= 1) {
      await button(page, "One step back").click();
      hashes.set(steps, await hashAt(page, steps));
    }
    for (let steps = there.steps - 4; steps <= there.steps; steps += 1) {
      await button(page, "One step on").click();
      equal(await hashAt(page, steps), hashes.get(steps), "the hash after stepping back and on");
    }

    await seek(page, 0);
    await node(page, "redis-1", "killed").waitFor();
    equal((await moment(page)).now, 0, "the first moment");
    await seek(page, Math.ceil(there.now / 1000));
    await until(page, "the last moment is there again", (hash) => document.querySelector(".page").dataset.hash === hash, there.hash);
  });

  await run.check("the first lesson is played to its end", async (open) => {
    const page = await open({ fragment: "#lesson=1" });
    const steps = page.locator(".lesson .steps li");
    await steps.first().waitFor({ state: "attached" });
    const count = await steps.count();
    for (let presses = 0; (await page.locator(".lesson .end").count()) === 0; presses += 1) {
      if (presses > 4 * count) throw new Error(`${presses} buttons were pressed in a lesson of ${count} steps`);
      const answers = page.locator(".lesson .answers button:enabled");
      const before = await lessonState(page);
      const next = (await answers.count()) > 0 ? answers.last() : page.locator(".lesson .now .deeds button.main");
      await next.click();
      // Lessons go at a pace for readers.
      await speed(page, 7);
      await until(page, "the lesson goes on", `(${lessonText})() !== ${JSON.stringify(before)}`);
    }
    equal(await page.locator(".lesson .steps .reached").count(), count, "steps that were reached");
  });

  await run.check("a link opens the very moment again", async (open) => {
    const page = await open();
    await node(page, "redis-1", "master").click();
    await button(page, "Kill").click();
    await speed(page, 7);
    await button(page, "Play").click();
    await node(page, "redis-[23]", "master").waitFor();
    await button(page, "Pause").click();
    const there = await moment(page);
    await button(page, "Share").click();
    const link = await page.locator("dialog input[readonly]").inputValue();
    const other = await open({ fragment: new URL(link).hash });
    await until(other, "the moment is found", (steps) => Number(document.querySelector(".page").dataset.steps) === steps, there.steps);
    equal(await moment(other), there, "the moment that the link opens");
    await node(other, "redis-1", "killed").waitFor();
  });

  await run.check("the language changes and is kept", async (open) => {
    const page = await open();
    await page.getByRole("combobox", { name: "Language" }).selectOption("zh-Hans");
    await page.getByRole("button", { name: "播放" }).waitFor();
    equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans", "the language of the document");
    await page.reload();
    await page.getByRole("button", { name: "播放" }).waitFor();
    await page.getByRole("combobox", { name: "语言" }).selectOption("en");
    await button(page, "Play").waitFor();
  });

  await run.check("the keyboard alone kills a master", async (open) => {
    const page = await open();
    await tabTo(page, (element) => element.closest(".node") !== null);
    for (let presses = 0; !(await focused(page)).startsWith("redis-1 "); presses += 1) {
      if (presses > 20) throw new Error("redis-1 is not reached by keys");
      await page.keyboard.press("ArrowDown");
    }
    await page.keyboard.press("Enter");
    await tabTo(page, (element) => element.textContent.trim() === "Kill");
    await page.keyboard.press("Enter");
    await node(page, "redis-1", "killed").waitFor();
    await page.keyboard.press("Shift+ArrowRight");
    await until(page, "time went on to an event", () => Number(document.querySelector(".page").dataset.now) > 0);
  });

  await run.check("a wire is chosen, cut one way, mended and slowed", async (open) => {
    const page = await open();
    await node(page, "redis-1").click();
    await node(page, "sentinel-1").click({ modifiers: ["Shift"] });
    await button(page, "Cut → sentinel-1").click();
    await cuts(page, 1);
    await button(page, "Mend").click();
    await cuts(page, 0);
    // Two seconds there and back are more than down-after-milliseconds.
    await button(page, "Latency 1s").click();
    await speed(page, 7);
    await button(page, "Play").click();
    await node(page, "redis-1", "SDOWN ×1").waitFor();
  });

  await run.check("a line across the stage chooses whom to set apart", async (open) => {
    const page = await open();
    const box = await node(page, "sentinel-1").boundingBox();
    const x = box.x + box.width + 20;
    await page.mouse.move(x, box.y - 50);
    await page.mouse.down();
    await page.mouse.move(x + 5, box.y + 20, { steps: 4 });
    await page.mouse.move(x, box.y + box.height + 40, { steps: 4 });
    await page.mouse.up();
    equal(await page.locator(".node.selected").count(), 1, "nodes on the smaller side");
    await node(page, "sentinel-1").and(page.locator(".selected")).waitFor();
    // The same by keys: the space bar adds a node.
    await node(page, "redis-3").focus();
    await page.keyboard.press(" ");
    await button(page, "Set apart").click();
    const others = (await page.locator(".node").count()) - 2;
    await cuts(page, 2 * others);
    await button(page, "Mend all wires").click();
    await cuts(page, 0);
  });

  await run.check("a message on its way is chosen, delayed and lost", async (open) => {
    const page = await open();
    const flying = page.locator(".world .message:not(.arrived)");
    for (let steps = 0; (await flying.count()) === 0; steps += 1) {
      if (steps > 200) throw new Error("200 steps without a message");
      const before = await moment(page);
      await button(page, "One step on").click();
      await hashAt(page, before.steps + 1);
    }
    await flying.first().locator(".hit").dispatchEvent("click");
    await button(page, "Delay by 100ms").click();
    await page.locator(".mark.deed").first().waitFor({ state: "attached" });
    await button(page, "Lose it").click();
    await page.locator(".mark.deed").nth(1).waitFor({ state: "attached" });
  });

  for (const [name, size] of Object.entries(SIZES)) {
    await run.check(`nothing stands beside or below the page: ${name}`, async (open) => {
      const page = await open({ size });
      await page.locator(".node").first().click();
      await page.locator(".hands .deeds button").first().click();
      await page.keyboard.press("Shift+ArrowRight");
      await page.getByRole("tab", { name: "Log" }).click();
      const [inside, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      equal(whole <= inside, true, `${whole} pixels fit into ${inside}`);
      const [page_end, end] = await page.evaluate(() => [
        document.querySelector(".page").getBoundingClientRect().height,
        document.documentElement.scrollHeight,
      ]);
      equal(end <= page_end + 1, true, `nothing stands below the page: ${end} and ${page_end}`);
    });
  }
}

/** What a lesson shows: each step changes it, and each button that does not end a step. */
function lessonText() {
  const reached = document.querySelectorAll(".lesson .steps .reached").length;
  const main = document.querySelector(".lesson .now .deeds button.main");
  const asks = document.querySelectorAll(".lesson .answers button:enabled").length;
  return [reached, main?.textContent, asks, document.querySelector(".lesson .end") !== null].join();
}

function lessonState(page) {
  return page.evaluate(lessonText);
}

/** Waits until so many wires are seen to be cut. */
function cuts(page, count) {
  const question = (count) => document.querySelectorAll(".world .cut").length === count;
  return until(page, `${count} wires are cut`, question, count);
}

/** The hash when so many steps have been taken. */
async function hashAt(page, steps) {
  const question = (steps) => Number(document.querySelector(".page").dataset.steps) === steps;
  await until(page, `there have been ${steps} steps`, question, steps);
  return (await moment(page)).hash;
}

/** Presses Tab until the focus is where it is wanted. */
async function tabTo(page, wanted) {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    const handle = await page.evaluateHandle(() => document.activeElement);
    if (await handle.evaluate(wanted)) return;
  }
  throw new Error("80 times Tab do not lead there");
}

function focused(page) {
  return page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);
}
