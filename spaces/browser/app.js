// The page: what the visitor does goes to the worker, what the worker says is shown.
import { connectCompare, showPair } from "./modules/compare.js";
import { listenForImages } from "./modules/input.js";
import { describeEngine, duration, fileSize, mapText, progressText } from "./modules/texts.js";

const get = (id) => document.getElementById(id);
const state = { models: [], choice: null, file: null, input: null, result: null, started: 0 };
let worker;

const show = (name) => (document.body.dataset.state = name);
const model = () => state.models.find((each) => each.name === get("model").value);

/** Begin anew, which also ends what the worker is doing. */
function startWorker() {
  worker?.terminate();
  state.ready = state.busy = state.broken = false;
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data }) => answers[data.type](data);
  worker.onerror = (event) => answers.error({ message: event.message || "the computation cannot start here", fatal: true });
  worker.postMessage({ type: "load", choice: state.choice });
}

const answers = {
  restart({ choice }) {
    state.choice = choice;
    startWorker();
  },
  ready({ models, choice }) {
    Object.assign(state, { models, choice, ready: true });
    get("engine").textContent = describeEngine(choice);
    if (!get("model").length) listModels();
    if (document.body.dataset.state === "loading") show("empty");
    if (state.waiting) send();
  },
  loaded() {
    const offline = navigator.serviceWorker?.controller;
    get("offline").textContent = offline ? "Everything is loaded: this page now works without a network." : "";
  },
  decoded({ width, height }) {
    const { scale } = state;
    state.size = `${width}×${height} → ${scale * width}×${scale * height}`;
    get("work-text").textContent = `${state.size} pixels`;
  },
  progress({ done, total }) {
    get("progress").value = done / total;
    get("work-text").textContent = progressText(state.size, done / total, performance.now() - state.started);
  },
  async done({ png, width, height, map, seconds, choice }) {
    Object.assign(state, { choice, busy: false });
    get("engine").textContent = describeEngine(choice);
    state.result = URL.createObjectURL(png);
    get("download").href = state.result;
    get("download").download = `${state.file.name.replace(/\.\w+$/, "")}_x${state.scale}.png`;
    get("facts").textContent = `${width}×${height} pixels, ${fileSize(png.size)}, ${duration(seconds)}`;
    state.map = map && URL.createObjectURL(map.png);
    get("map-text").textContent = map ? mapText(map) : "";
    show("done");
    await showPair(state.input, state.result, state.map);
    get("download").focus({ preventScroll: true });
  },
  error({ message, fatal }) {
    if (fatal && state.choice?.provider === "webgpu") return leaveGpu();
    Object.assign(state, { busy: false, waiting: false, broken: fatal });
    get("error").textContent = state.file ? `${state.file.name}: ${message}.` : `${message}.`;
    show("error");
  },
};

function listModels() {
  get("model").replaceChildren(...state.models.map(({ name }) => new Option(name, name)));
  get("model-label").hidden = state.models.length < 2;
  showFidelity();
}

function showFidelity() {
  get("fidelity-label").hidden = !model()?.sibling;
  get("fidelity-value").textContent = get("fidelity").value;
}

function choose(file) {
  state.file = file;
  enlarge();
}

/** Begin with `state.file`, as soon as the models are there. */
function enlarge() {
  if (state.busy || state.broken) startWorker();
  [state.input, state.result, state.map].filter(Boolean).forEach(URL.revokeObjectURL);
  state.input = URL.createObjectURL(state.file);
  get("thumbnail").src = state.input;
  get("error").textContent = get("facts").textContent = "";
  get("progress").removeAttribute("value");
  get("work-text").textContent = state.ready ? "Reading the image…" : "Loading the models…";
  show("working");
  state.waiting = true;
  if (state.ready) send();
}

function send() {
  Object.assign(state, { waiting: false, busy: true, started: performance.now(), scale: model().manifest.scale });
  const fidelity = model().sibling ? Number(get("fidelity").value) : 0;
  worker.postMessage({ type: "enlarge", file: state.file, name: model().name, fidelity });
}

/** A GPU that fails is not asked again; the CPU does this image and all others. */
function leaveGpu() {
  const { other, ...gpu } = state.choice;
  state.choice = { ...other, other: { ...gpu, failed: true } };
  const asked = state.busy || state.waiting;
  startWorker();
  state.waiting = asked;
}

function stop() {
  state.waiting = false;
  startWorker();
  show(state.models.length ? "empty" : "loading");
  get("choose").focus();
}

/** Files pass through the service worker, so that it keeps them; where there is none, the page works with a network. */
async function keepFiles() {
  if (!navigator.serviceWorker) return;
  const controlled = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
  try {
    await navigator.serviceWorker.register("service-worker.js");
    if (!navigator.serviceWorker.controller) await Promise.race([controlled, new Promise((r) => setTimeout(r, 5000))]);
  } catch (error) {
    console.warn(error);
  }
}

listenForImages(choose, (message) => (get("error").textContent = message));
connectCompare();
get("again").addEventListener("click", enlarge);
get("stop").addEventListener("click", stop);
get("model").addEventListener("change", showFidelity);
get("fidelity").addEventListener("input", showFidelity);
get("settings").addEventListener("submit", (event) => event.preventDefault());
await keepFiles();
startWorker();
