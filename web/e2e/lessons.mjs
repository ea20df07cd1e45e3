// What lessons, links and files do besides the usual: other languages, files, what cannot be read.

import { readFile } from "node:fs/promises";

import { DEADLINE_MS, SIZES, equal, fragmentOf, moment, picture, until } from "./harness.mjs";
import { button } from "./stage.mjs";

export async function lessons(run) {
  await run.check("a lesson in Chinese on a phone pauses at its steps", async (open) => {
    const page = await open({ locale: "zh-CN", size: SIZES.phone, dark: true, fragment: "#lesson=4" });
    await page.getByText("第 4 课，共 10 课").waitFor();
    await step(page);
    equal(await page.locator(".steps .reached").count(), 1, "steps that are reached");
    await button(page, "播放").waitFor();
    await picture(page, "lesson-4-phone");
  });

  await run.check("what is shared is in the clipboard, and a file reopens the very moment", async (open) => {
    const page = await open({ permissions: ["clipboard-read", "clipboard-write"], fragment: "#scenario=11-tilt" });
    await until(page, "the scenario is there", () => document.querySelector("select").selectedOptions[0].text.startsWith("TILT"));
    await button(page, "Play").click();
    await until(page, "time goes on", () => Number(document.querySelector(".page").dataset.now) > 300_000);
    await button(page, "Share").click();
    const field = page.getByRole("textbox", { name: "Link" });
    await field.waitFor();
    const [link, there] = [await field.inputValue(), await moment(page)];
    await page.getByText("The link is in the clipboard.").waitFor();
    equal(await page.evaluate(() => navigator.clipboard.readText()), link, "the clipboard");
    const saved = page.waitForEvent("download", { timeout: DEADLINE_MS });
    await page.getByRole("link", { name: "Save as a file" }).click();
    const file = await (await saved).path();

    const other = await open({ fragment: new URL(link).hash });
    await isThere(other, there);
    await other.evaluate(() => { location.hash = "#lesson=1"; });
    await other.getByText("Lesson 1 of 10").waitFor();
    await button(other, "Share").click();
    await other.getByLabel("Open a file").setInputFiles({ name: "a.picket.txt", mimeType: "text/plain", buffer: await readFile(file) });
    await isThere(other, there);
  });

  await run.check("what is no link of ours is told, and changes nothing", async (open) => {
    for (const fragment of ["#s=AAAA", "#s=%00", "#x", "#lesson=99", "#scenario=none", `#s=${"A".repeat(40_000)}`]) {
      const page = await open();
      await button(page, "One step on").click();
      await until(page, "a step is taken", () => Number(document.querySelector(".page").dataset.now) > 0);
      const before = await moment(page);
      await page.evaluate((hash) => { location.hash = hash; }, fragment);
      await page.getByRole("alert").filter({ hasText: "This link cannot be read" }).waitFor();
      // The world is that of before, and is alive.
      equal(await moment(page), before, `the moment after ${fragment.slice(0, 20)}`);
      await button(page, "One step on").click();
      await until(page, "another step is taken", (steps) => Number(document.querySelector(".page").dataset.steps) === steps + 1, before.steps);
    }
  });

  await run.check("a file that is dropped on the page is opened", async (open) => {
    const page = await open();
    const drop = async (text) => {
      const transfer = await page.evaluateHandle((text) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], "a.picket.txt", { type: "text/plain" }));
        return transfer;
      }, text);
      await page.dispatchEvent(".world", "dragover", { dataTransfer: transfer });
      await page.dispatchEvent(".world", "drop", { dataTransfer: transfer });
    };
    await drop("redis 2\nsentinels 5\nquorum 3\n");
    await until(page, "5 Sentinels stand", () => document.querySelectorAll(".world .node.sentinel").length === 5);
    await drop("redis 2\nat 1s explode redis-1\n");
    await page.getByRole("alert").filter({ hasText: 'line 2: "explode" is no action' }).waitFor();
    equal(await page.locator(".world .node.sentinel").count(), 5, "Sentinels after a file that is no scenario");
  });

  await run.check("a link that asks for far too much is refused, and the page lives", async (open) => {
    const text = "redis 2\nat 1s run redis-1 SETRANGE k 500000000 x\n";
    const page = await open({ fragment: fragmentOf(text) });
    await page.getByRole("alert").filter({ hasText: "SETRANGE with such arguments" }).waitFor();
    await button(page, "One step on").click();
    await until(page, "a step is taken", () => Number(document.querySelector(".page").dataset.now) > 0);
  });

  await run.check("what the world refuses and what was done is told in Chinese", async (open) => {
    const page = await open({ locale: "zh-CN" });
    await page.getByRole("tab", { name: "节点" }).click();
    await page.getByRole("textbox", { name: "其他操作" }).fill("kill redis-9");
    await button(page, "执行").click();
    await page.getByRole("alert").filter({ hasText: "没有名为“redis-9”的节点" }).waitFor();
    await page.locator(".world .node.data.master").click();
    await button(page, "杀死").click();
    await page.getByRole("log", { name: "事件记录" }).getByText("redis-1：进程被杀死").waitFor();
  });
}

/** Answers the question of the present step, if there is one, and presses its buttons until it is reached. */
async function step(page) {
  const reached = await page.locator(".steps .reached").count();
  const answers = page.locator(".answers button:enabled");
  if ((await answers.count()) > 0) await answers.first().click();
  const deeds = page.locator(".lesson .now .deeds button");
  await deeds.first().waitFor();
  const count = await deeds.count();
  for (let place = 0; place < count; place += 1) {
    if ((await page.locator(".steps .reached").count()) > reached) break;
    await deeds.nth(place).click();
  }
  await until(page, "the step is reached", (before) => document.querySelectorAll(".steps .reached").length > before, reached);
}

function isThere(page, { hash, now }) {
  const question = (there) => {
    const { dataset } = document.querySelector(".page");
    return dataset.hash === there.hash && Number(dataset.now) === there.now;
  };
  return until(page, "the shared moment is there", question, { hash, now });
}
