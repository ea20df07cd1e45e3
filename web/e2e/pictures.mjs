// What it looks like, kept in the target folder for people to look at.

import { SIZES, moment, picture, until } from "./harness.mjs";

export async function pictures(run) {
  await run.check("pictures of all sizes, themes and languages", async (open) => {
    for (const [name, size] of Object.entries(SIZES)) {
      for (const [theme, dark, locale] of [["light", false, "en-US"], ["dark", true, "zh-CN"]]) {
        const page = await open({ size, dark, locale });
        await failover(page);
        await picture(page, `${name}-${theme}-${locale}`);
      }
    }
  });
}

/** Kills the master, and stops in the middle of the failover. */
async function failover(page) {
  await page.locator(".world .node.data.master").click();
  await page.locator(".deeds button").first().click();
  await page.locator(".world .node.killed").waitFor();
  for (let events = 0; events < 40; events += 1) {
    if ((await page.locator(".world .node.data.promoting").count()) > 0) return;
    const { steps } = await moment(page);
    await page.locator("body").press("Shift+ArrowRight");
    await until(page, "time went on to an event", (steps) => Number(document.querySelector(".page").dataset.steps) > steps, steps);
  }
  throw new Error("40 events without a promotion");
}
