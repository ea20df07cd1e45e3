// The page as a person uses it: by what is written on it, in English.

/** A node on the stage, named by itself and its state: `node(page, "redis-1", "master")`. */
export function node(page, name, state = "") {
  return page.getByRole("group", { name: "The deployment" }).getByRole("button", {
    name: new RegExp(`^${name} .*${state}`),
  });
}

export function button(page, name) {
  return page.getByRole("button", { name, exact: true });
}

/** How fast time goes: a place on the slider, 6 being real time. */
export function speed(page, index) {
  return page.locator(".speed input").fill(String(index));
}

/** Goes to a moment, in milliseconds. */
export function seek(page, ms) {
  return page.locator(".bar input").fill(String(ms));
}
