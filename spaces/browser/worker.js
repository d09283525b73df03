// Computes apart from the page, which stays alive meanwhile. The page stops it by ending this worker.
import { decode } from "./modules/decode.js";
import { chooseEngine, Engine, loadRuntime, PROBE } from "./modules/engine.js";
import { ErrorMap } from "./modules/error-map.js";
import { listModels, preload } from "./modules/models.js";
import { PngWriter } from "./modules/png.js";
import { Problem } from "./modules/problem.js";
import { enlargeBicubic } from "./modules/resize.js";
import { cutTile, pasteTile, tileRows } from "./modules/tiles.js";
import { fillTransparent } from "./modules/transparency.js";

let models, runtime, choice, engine;

async function load(known) {
  models = await listModels();
  runtime = await loadRuntime(known);
  choice = known ?? (await chooseEngine(runtime, models[0]));
  if (choice.stuck) return postMessage({ type: "restart", choice: { ...choice, stuck: false } });
  postMessage({ type: "ready", models, choice });
  await preload(models);
  postMessage({ type: "loaded" });
}

async function enlarge({ file, name, fidelity }) {
  const image = await decode(file);
  postMessage({ type: "decoded", width: image.width, height: image.height });
  if (image.alpha) fillTransparent(image);
  const model = models.find((each) => each.name === name);
  if (engine?.model !== model || engine.fidelity !== fidelity) {
    await engine?.close();
    engine = new Engine(runtime.ort, choice, model, fidelity);
  }
  const start = performance.now();
  const errors = await ErrorMap.of(runtime.ort, model, image);
  const png = await enlargeInBands(image, model.manifest, errors);
  const map = await errors?.finish();
  const seconds = (performance.now() - start) / 1000;
  choice.seconds ??= (engine.seconds * PROBE ** 2) / engine.pixels;
  const { scale } = model.manifest;
  postMessage({ type: "done", png, width: scale * image.width, height: scale * image.height, map, seconds, choice });
}

async function enlargeInBands(image, manifest, errors) {
  const { scale } = manifest;
  const channels = (image.isGray ? 1 : 3) + (image.alpha ? 1 : 0);
  const width = scale * image.width;
  const png = new PngWriter(width, scale * image.height, channels);
  const rows = tileRows(image, manifest);
  let done = 0;
  for (const row of rows) {
    const height = scale * (row[0].y.last - row[0].y.first);
    const band = { width, height, pixels: new Uint8ClampedArray(width * height * channels) };
    for (const window of row) {
      pasteTile(band, window, await enlargeTile(image, window, scale, errors), scale);
      postMessage({ type: "progress", done: ++done, total: rows.length * row.length });
    }
    await png.write(band.pixels);
  }
  return png.finish();
}

/** The planes of an enlarged tile: gray or red, green and blue, then alpha if the image has it. */
async function enlargeTile(image, window, scale, errors) {
  const [width, height] = [window.x.stop - window.x.start, window.y.stop - window.y.start];
  const small = cutTile(image.colors, image.width, window);
  const result = (await engine.run(small, width, height)).map(clip);
  const size = result.length / 3;
  const colors = [0, 1, 2].map((c) => result.subarray(c * size, (c + 1) * size));
  const planes = image.isGray ? [mean(colors)] : colors;
  await errors?.add(window, planes);
  if (image.alpha) planes.push(enlargeBicubic(cutTile([image.alpha], image.width, window), width, height, scale));
  return planes;
}

const clip = (value) => Math.min(1, Math.max(0, value));
const mean = ([r, g, b]) => r.map((value, i) => (value + g[i] + b[i]) / 3);

function explain(error) {
  if (error instanceof Problem) return { message: error.message };
  console.error(error);
  const memory = error instanceof RangeError || /memory|alloc/i.test(error.message);
  return { message: memory ? "there is not enough memory for it in this browser" : error.message, fatal: true };
}

onmessage = async ({ data }) => {
  try {
    await (data.type === "load" ? load(data.choice) : enlarge(data));
  } catch (error) {
    postMessage({ type: "error", ...explain(error) });
  }
};
