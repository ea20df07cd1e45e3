// `cargo xtask e2e`: a real browser plays with the built page.

import { access } from "./access.mjs";
import { checks } from "./checks.mjs";
import { figures } from "./figures.mjs";
import { Run, launch } from "./harness.mjs";
import { lessons } from "./lessons.mjs";
import { pictures } from "./pictures.mjs";

const PARTS = { checks, lessons, access, pictures, figures };

const wanted = process.argv.slice(2);

const browser = await launch();
console.log(`Chromium ${browser.version()}`);
const run = new Run(browser);
try {
  for (const [name, part] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(name);
    await part(run);
  }
} finally {
  await browser.close();
}
if (run.failed.length > 0) console.log(`FAILED: ${run.failed.join("; ")}`);
process.exitCode = run.failed.length > 0 ? 1 : 0;
