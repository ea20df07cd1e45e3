// Whether the page does what it is for.

import { SIZES, equal, fragmentOf, moment, until } from "./harness.mjs";
import { button, node, seek, speed } from "./stage.mjs";

export async function checks(run) {
  await run.check("it loads and shows a settled deployment", async (open) => {
    const page = await open();
    await node(page, "redis-1", "master").waitFor();
    equal(await page.locator(".world .node.sentinel.up").count(), 3, "Sentinels that are up");
    equal(await page.locator(".world .node.data").count(), 3, "data nodes");
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
    await tabTo(page, (element) => element.closest(".world .node") !== null);
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
    const drawn = await page.locator(".lasso").boundingBox();
    equal(Math.abs(drawn.x - x) < 12 && Math.abs(drawn.y - box.y + 50) < 12, true, "the line is where the pointer was");
    await page.mouse.up();
    equal(await page.locator(".world .node.selected").count(), 1, "nodes on the smaller side");
    await node(page, "sentinel-1").and(page.locator(".selected")).waitFor();
    // The same by keys: the space bar adds a node.
    await node(page, "redis-3").focus();
    await page.keyboard.press(" ");
    await button(page, "Set apart").click();
    const others = (await page.locator(".world .node").count()) - 2;
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
    const id = await page.locator(".message.selected").getAttribute("data-message");
    const chosen = page.locator(`.message[data-message="${id}"]`);
    const left = await moment(page);
    await button(page, "Delay by 100ms").click();
    await page.getByRole("log", { name: "What happened" }).getByText(`message ${id} delayed by 100 ms`).waitFor();
    // It is still on its way when it would have been there long since; without the delay it takes about a millisecond.
    await lookAt(page, left.now + 50_000);
    equal(await chosen.count(), 1, "the message on its way after 50 ms");
    await lookAt(page, left.now + 150_000);
    equal(await chosen.count(), 0, "the message on its way after 150 ms");
    await seek(page, Math.ceil(left.now / 1000) + 50);
    await chosen.locator(".hit").dispatchEvent("click");
    await button(page, "Lose it").click();
    await page.getByRole("log", { name: "What happened" }).getByText(`message ${id} lost, to be sent again`).waitFor();
    // TCP sends it again after 200 ms: at the time to which it was delayed it is not there.
    await lookAt(page, left.now + 150_000);
    equal(await chosen.count(), 1, "the lost message on its way after 150 ms");
    await lookAt(page, left.now + 1_000_000);
    equal(await chosen.count(), 0, "the lost message on its way after a second");
  });

  await run.check("a wire is slowed one way", async (open) => {
    const page = await open();
    await node(page, "redis-1").click();
    await node(page, "sentinel-1").click({ modifiers: ["Shift"] });
    await button(page, "Latency → sentinel-1 100ms").click();
    await page.locator(".world .slow text").filter({ hasText: "→ sentinel-1 100 ms" }).waitFor();
    await button(page, "Latency 1ms").click();
    await page.locator(".world .slow").waitFor({ state: "detached" });
  });

  await run.check("keys do nothing behind a dialog, and arrows scroll what scrolls", async (open) => {
    const page = await open();
    await button(page, "Share").click();
    await page.getByRole("dialog").waitFor();
    const before = await moment(page);
    for (const key of ["ArrowRight", "Shift+ArrowRight", " "]) await page.keyboard.press(key);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    equal(await moment(page), before, "the moment after keys in a dialog");
    await page.getByRole("tab", { name: "Sentinels" }).click();
    await page.locator(".scroll").first().focus();
    await page.keyboard.press("ArrowRight");
    equal(await moment(page), before, "the moment after an arrow in a table");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("ArrowRight");
    await until(page, "a step is taken", (steps) => Number(document.querySelector(".page").dataset.steps) === steps + 1, before.steps);
  });

  await run.check("settings show what is in force, and time takes them back", async (open) => {
    const page = await open({ fragment: fragmentOf("redis 3\nsentinels 3\ndown-after 700ms\nwriter 50ms\n") });
    await page.getByRole("tab", { name: "Settings" }).click();
    const field = page.getByRole("spinbutton", { name: "down-after-milliseconds" });
    await value(page, field, "700");
    await field.fill("2000");
    await field.press("Enter");
    await page.getByText("run sentinels SENTINEL SET mymaster down-after-milliseconds 2000").waitFor();
    await speed(page, 7);
    await button(page, "Play").click();
    await value(page, field, "2000");
    await button(page, "Pause").click();
    await seek(page, 0);
    await button(page, "One step back").click();
    await value(page, field, "700");
  });

  await run.check("a time mark of a branch that was left is there again with it", async (open) => {
    const page = await open();
    await node(page, "redis-1", "master").click();
    await button(page, "Kill").click();
    await speed(page, 7);
    await button(page, "Play").click();
    await page.locator(".mark.switch").first().waitFor({ state: "attached" });
    await button(page, "Pause").click();
    await seek(page, 300);
    await button(page, "Start").click();
    await page.locator(".mark.switch").first().waitFor({ state: "detached" });
    await page.locator(".branches button").first().click();
    await page.locator(".mark.switch").first().waitFor({ state: "attached" });
  });

  await run.check("a message in the diagram is chosen by keys", async (open) => {
    const page = await open();
    await node(page, "redis-1", "master").click();
    await button(page, "Kill").click();
    await speed(page, 7);
    await button(page, "Play").click();
    await page.locator(".mark.switch").first().waitFor({ state: "attached" });
    await button(page, "Pause").click();
    await page.getByRole("tab", { name: "Messages" }).click();
    const list = page.locator(".tabpanel details");
    await list.locator("summary").focus();
    await page.keyboard.press("Enter");
    const { now } = await moment(page);
    await page.keyboard.press("Tab");
    const told = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Enter");
    await until(page, "time is where the message was sent", (told) => {
      const ms = Math.floor(Number(document.querySelector(".page").dataset.now) / 1000);
      return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")} s` === told;
    }, told);
    equal((await moment(page)).now < now, true, "time went back");
  });

  await run.check("fingers choose a node, and draw a line across the stage", async (open) => {
    const page = await open({ size: SIZES.phone, hasTouch: true, isMobile: true });
    await node(page, "redis-1").tap();
    await node(page, "redis-1").and(page.locator(".selected")).waitFor();
    await button(page, "Kill").tap();
    await node(page, "redis-1", "killed").waitFor();
    await button(page, "Choose nothing").tap();
    await page.locator(".world").scrollIntoViewIfNeeded();
    const box = await node(page, "sentinel-1").boundingBox();
    const touch = await page.context().newCDPSession(page);
    const y = box.y + box.height + 20;
    const at = (x) => [{ x, y }];
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(26) });
    for (const x of [60, 140, 220, 300, 366]) await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(x) });
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.locator(".world .node.selected").first().waitFor();
  });

  await run.check("the legend shows every state in its shape", async (open) => {
    const page = await open();
    await page.getByText("What it means").click();
    const shapes = await page.locator(".legend .shape").evaluateAll((all) => all.map((shape) => shape.innerHTML.replaceAll(/class="[^"]*"/g, "")));
    equal(new Set(shapes).size, shapes.length, "shapes that differ");
    equal(shapes.length >= 17, true, "enough shapes");
  });

  for (const [name, size] of Object.entries(SIZES)) {
    await run.check(`nothing stands beside or below the page: ${name}`, async (open) => {
      const page = await open({ size });
      await page.locator(".world .node").first().click();
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

/** Waits until a field shows this. */
async function value(page, field, wanted) {
  const handle = await field.elementHandle();
  await until(page, `the field shows ${wanted}`, ([field, wanted]) => field.value === wanted, [handle, wanted]);
}

/** Looks at a moment in microseconds: plays until it is over, and goes back to it. */
async function lookAt(page, at) {
  const ms = Math.ceil(at / 1000);
  // The bar ends with the millisecond that has begun, which need not be over.
  if (Number(await page.locator(".bar input").getAttribute("max")) <= ms) {
    await speed(page, 6);
    await button(page, "Play").click();
    await until(page, "time went on", (at) => Number(document.querySelector(".page").dataset.now) > at + 2_000, at);
    await button(page, "Pause").click();
  }
  await seek(page, ms);
  await until(page, "the moment is there", (us) => Number(document.querySelector(".page").dataset.now) === us, ms * 1000);
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
