// What all checks share: the browser, pages whose every complaint is kept, and an account of what passed.
//
// Nothing here sleeps: whatever is waited for has a deadline, and the whole run has one in `cargo xtask e2e`.

import { deflateRawSync } from "node:zlib";

import { chromium } from "playwright-core";

export const url = required("PICKET_E2E_URL");
export const folder = required("PICKET_E2E_FOLDER");
/** How long anything may take to come true, on a machine that does other things too. */
export const DEADLINE_MS = 30_000;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const SIZES = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 1024, height: 768 },
  phone: { width: 390, height: 844 },
};

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this is run by \`cargo xtask e2e\``);
  return value;
}

export function launch() {
  return chromium.launch({ executablePath: required("PICKET_CHROMIUM"), args: FLAGS, timeout: DEADLINE_MS });
}

/** Runs checks one after the other, also after one has failed. */
export class Run {
  constructor(browser) {
    this.browser = browser;
    this.failed = [];
  }

  async check(name, body) {
    const start = Date.now();
    const pages = [];
    const open = async (options) => {
      const opened = await Opened.open(this.browser, options);
      pages.push(opened);
      return opened.page;
    };
    try {
      await body(open);
      const complaints = pages.flatMap((opened) => opened.complaints);
      if (complaints.length > 0) throw new Error(`the page complained:\n  ${complaints.join("\n  ")}`);
      console.log(`  ok      ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      this.failed.push(name);
      console.log(`  FAILED  ${name} (${Date.now() - start} ms)\n${indented(error.message)}`);
      for (const { page } of pages) await picture(page, `failed-${name.replaceAll(/[^\w]+/g, "-")}`).catch(() => {});
    } finally {
      for (const opened of pages) await opened.context.close();
    }
  }
}

function indented(text) {
  return text.replaceAll(/^/gm, "          ");
}

/** A page in a context of its own: nothing is left from other pages. */
class Opened {
  static async open(browser, { size = SIZES.desktop, dark = false, locale = "en-US", fragment = "", ...rest } = {}) {
    const opened = new Opened();
    opened.complaints = [];
    opened.context = await browser.newContext({
      viewport: size,
      colorScheme: dark ? "dark" : "light",
      locale,
      ...rest,
    });
    const page = await opened.context.newPage();
    opened.page = page;
    page.setDefaultTimeout(DEADLINE_MS);
    const complain = (text) => opened.complaints.push(text);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complain(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => complain(`uncaught: ${error.message}`));
    page.on("requestfailed", (request) => complain(`${request.url()}: ${request.failure()?.errorText}`));
    page.on("response", (response) => {
      if (response.status() >= 400) complain(`${response.url()}: ${response.status()}`);
    });
    await page.goto(url + fragment);
    await page.locator(".page[data-hash] .world").waitFor();
    return opened;
  }
}

/** The part of a link that opens a scenario with this text. */
export function fragmentOf(scenario) {
  return `#s=${deflateRawSync(scenario).toString("base64url")}`;
}

/** Keeps what a page looks like. */
export function picture(page, name) {
  return page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

/** The moment that a page looks at: time, steps, and the hash of everything that the cores have put out until then. */
export function moment(page) {
  return page.locator(".page").evaluate(({ dataset: { now, steps, hash } }) => ({ now: Number(now), steps: Number(steps), hash }));
}

/**
 * Waits until a question about the document is answered with yes. It is asked from outside, frame by frame: the page's
 * policy lets nothing inside of it evaluate texts.
 */
export async function until(page, what, question, argument) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await page.evaluate(question, argument))) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

export function equal(found, expected, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}
