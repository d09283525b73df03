// What computes: onnxruntime-web on the GPU (WebGPU) or on the CPU (WebAssembly), whichever is faster on this machine.
import { graphOf, weightsBetween } from "./models.js";

export const PROBE = 64; // side of the image that is timed
const MOST_THREADS = 8;
const PATIENCE = 20_000; // milliseconds that a GPU gets for its first results

/** An engine runs tiles of one model. `choice` is what `chooseEngine` gave. */
export class Engine {
  constructor(ort, choice, model, fidelity) {
    Object.assign(this, { ort, choice, model, fidelity, shape: "", seconds: 0, pixels: 0 });
  }

  /** Planes of colors in [0, 1], (3, height, width) -> the enlarged ones. A session is made for every new shape. */
  async run(colors, width, height) {
    const { Tensor } = this.ort;
    if (this.shape !== `${width}x${height}`) await this.open(width, height);
    const { input, output } = this.model.manifest;
    const start = performance.now();
    const results = await this.session.run({ [input.name]: new Tensor("float32", colors, [1, 3, height, width]) });
    this.seconds += (performance.now() - start) / 1000;
    this.pixels += width * height;
    const { data } = results[output.name];
    if (this.choice.precision === "f16" && !data.every(Number.isFinite)) throw new Error("it overflows in f16");
    return data;
  }

  async open(width, height) {
    await this.close();
    const { manifest } = this.model;
    const { provider, precision } = this.choice;
    const weights = await weightsBetween(this.model, this.fidelity);
    const numbers = precision === "f16" ? new Float16Array(weights) : weights;
    const data = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    this.session = await this.ort.InferenceSession.create(await graphOf(this.model, precision), {
      executionProviders: [provider],
      externalData: [{ path: manifest.weights[precision], data }],
      freeDimensionOverrides: { batch: 1, height, width },
    });
    this.shape = `${width}x${height}`;
  }

  async close() {
    await this.session?.release();
    this.session = null;
    this.shape = "";
  }
}

/** The runtime of this browser: with WebGPU where it has an adapter, otherwise the smaller one without. */
export async function loadRuntime(known) {
  const adapter = known?.provider === "wasm" ? null : await navigator.gpu?.requestAdapter().catch(() => null);
  const ort = await import(adapter ? "../runtime/ort.webgpu.min.mjs" : "../runtime/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = new URL("../runtime/", import.meta.url).href;
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
  ort.env.logLevel = "error";
  return { ort, adapter };
}

/**
 * The fastest choice {provider, precision, seconds} whose result is right, and what else was timed, if there is a choice.
 * With `stuck`, a GPU did not answer, and only a new worker can go on.
 */
export async function chooseEngine({ ort, adapter }, model) {
  const cpu = { provider: "wasm", precision: "f32", threads: ort.env.wasm.numThreads };
  if (!adapter) {
    await new Engine(ort, cpu, model, 0).open(PROBE, PROBE); // loads and compiles the runtime
    return cpu;
  }
  const expected = await measure(ort, cpu, model);
  const halves = adapter.features.has("shader-f16") && globalThis.Float16Array;
  for (const precision of halves ? ["f16", "f32"] : ["f32"]) {
    const gpu = { provider: "webgpu", precision };
    const timeout = new Promise((resolve) => setTimeout(resolve, PATIENCE, "stuck"));
    const result = await Promise.race([measure(ort, gpu, model), timeout]).catch((error) => console.warn(error));
    if (result === "stuck") return { ...cpu, other: { ...gpu, failed: true }, stuck: true };
    gpu.failed = !result || !isClose(result, expected);
    if (!gpu.failed && gpu.seconds < cpu.seconds) return { ...gpu, other: cpu };
    cpu.other = gpu;
  }
  return cpu;
}

/** Run a test image twice, so that only the second run is timed; notes `choice.seconds`. */
async function measure(ort, choice, model) {
  const engine = new Engine(ort, choice, model, 0);
  const image = Float32Array.from({ length: 3 * PROBE * PROBE }, (_, i) => (i % 7) / 7);
  await engine.run(image, PROBE, PROBE);
  const start = performance.now();
  const result = await engine.run(image, PROBE, PROBE);
  choice.seconds = (performance.now() - start) / 1000;
  await engine.close();
  return result;
}

function isClose(result, expected) {
  const total = expected.reduce((sum, value, i) => sum + Math.abs(value - result[i]), 0);
  return total / expected.length < 0.01; // false for NaN
}
