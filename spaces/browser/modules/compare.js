// Two images on top of each other with a line between them, to the left of which the input is seen.

const get = (id) => document.getElementById(id);

/** Move the line to where the slider stands, also when the window is scrolled in full size. */
function draw() {
  const part = get("divider").value / 100;
  const window = get("window");
  get("line").style.left = `${100 * part}%`;
  get("before").style.clipPath = `inset(0 calc(100% - ${window.scrollLeft + part * window.clientWidth}px) 0 0)`;
}

function follow(event) {
  if (!event.buttons || get("zoom").ariaPressed === "true") return;
  const box = get("window").getBoundingClientRect();
  get("divider").value = (100 * (event.clientX - box.left)) / box.width;
  draw();
}

/** Show full size or the whole image. */
function zoom(full) {
  get("zoom").ariaPressed = String(full);
  get("compare").classList.toggle("full", full);
  const window = get("window");
  window.scrollTo((window.scrollWidth - window.clientWidth) / 2, (window.scrollHeight - window.clientHeight) / 2);
  draw();
}

/** Tint the result by its map, or not. */
function tint(on) {
  get("show-map").ariaPressed = String(on);
  get("pair").classList.toggle("mapped", on);
  get("map-text").hidden = !on;
}

/** Show an input beside its result and the map of that, all addresses of images; there may be no map. */
export async function showPair(before, after, map) {
  get("before").src = before;
  get("after").src = after;
  get("show-map").hidden = !map;
  if (map) get("map").src = map;
  await Promise.allSettled([get("before").decode(), get("after").decode()]);
  zoom(false);
  tint(false);
}

export function connectCompare() {
  get("divider").addEventListener("input", draw);
  get("window").addEventListener("scroll", draw);
  get("window").addEventListener("pointerdown", follow);
  get("window").addEventListener("pointermove", follow);
  get("zoom").addEventListener("click", () => zoom(get("zoom").ariaPressed !== "true"));
  get("show-map").addEventListener("click", () => tint(get("show-map").ariaPressed !== "true"));
  new ResizeObserver(draw).observe(get("window"));
}
