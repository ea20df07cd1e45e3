// Whether everybody can use it: what axe-core finds against WCAG 2.1, levels A and AA.

import { createRequire } from "node:module";

import { SIZES } from "./harness.mjs";
import { button, node } from "./stage.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

export async function access(run) {
  for (const [dark, locale, size] of [
    [false, "en-US", SIZES.desktop],
    [true, "zh-CN", SIZES.desktop],
    [true, "en-US", SIZES.phone],
  ]) {
    const name = `${dark ? "dark" : "light"}, ${locale}, ${size.width} wide`;
    await run.check(`no violation of level A or AA: ${name}`, async (open) => {
      const page = await open({ dark, locale, size, bypassCSP: true });
      await page.addScriptTag({ path: AXE });
      await judge(page, "at first");
      for (const tab of await page.getByRole("tab").all()) {
        await tab.click();
        await judge(page, `tab ${await tab.textContent()}`);
      }
    });
  }

  await run.check("no violation of level A or AA: lessons and the dialog for sharing", async (open) => {
    const page = await open({ fragment: "#lesson=3", bypassCSP: true });
    await page.addScriptTag({ path: AXE });
    await page.locator(".lesson .now").waitFor();
    await judge(page, "a lesson");
    await page.locator(".lesson .now .deeds button").click();
    await page.locator(".answers button").first().click();
    await judge(page, "an answered question");
    await button(page, "Share").click();
    await page.getByRole("textbox", { name: "Link" }).waitFor();
    await judge(page, "the dialog");
  });

  await run.check("no violation of level A or AA: after a failover, with a node chosen", async (open) => {
    const page = await open({ bypassCSP: true });
    await page.addScriptTag({ path: AXE });
    await node(page, "redis-1").click();
    await button(page, "Kill").click();
    await button(page, "Play").click();
    await node(page, "redis-[23]", "master").waitFor();
    await button(page, "Pause").click();
    await judge(page, "redis-1 killed");
    await node(page, "redis-[23]", "master").click();
    await judge(page, "the new master");
    await node(page, "sentinel-1").click();
    await judge(page, "a Sentinel");
    await button(page, "Share").click();
    await page.getByRole("dialog").waitFor();
    await judge(page, "the dialog for sharing");
  });

  await run.check("no violation of level A or AA: in a lesson", async (open) => {
    for (const dark of [false, true]) {
      const page = await open({ dark, fragment: "#lesson=4", bypassCSP: true });
      await page.locator(".lesson .steps li").first().waitFor({ state: "attached" });
      await page.addScriptTag({ path: AXE });
      await judge(page, dark ? "dark" : "light");
    }
  });
}

async function judge(page, where) {
  const { violations } = await page.evaluate((values) => axe.run(document, { runOnly: { type: "tag", values } }), RULES);
  if (violations.length === 0) return;
  const told = violations.flatMap(({ id, help, nodes }) => [
    `${id}: ${help}`,
    ...nodes.slice(0, 5).map(({ target, failureSummary }) => `  ${target.join(" ")}: ${failureSummary.replaceAll(/\s+/g, " ")}`),
  ]);
  throw new Error(`${where}:\n${told.join("\n")}`);
}
