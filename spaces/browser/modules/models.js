// The models that were built into this Space (models.json), their weights, and weights between two models.

const contents = new Map();

/** The bytes of a file of this Space, which is asked for once. */
function bytesOf(path) {
  if (!contents.has(path)) contents.set(path, fetchBytes(new URL(`../${path}`, import.meta.url)));
  return contents.get(path);
}

async function fetchBytes(url) {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url} is missing (${reply.status})`);
  return new Uint8Array(await reply.arrayBuffer());
}

export const listModels = async () => JSON.parse(new TextDecoder().decode(await bytesOf("models.json")));

export const graphOf = ({ name, manifest }, precision) => bytesOf(`models/${name}/${manifest.graphs[precision]}`);

/** The graphs [damage, error] of the estimator of errors that came with a model, or null. */
export const errorGraphsOf = async ({ name, manifest: { error_map: files } }) =>
  files ? Promise.all([files.damage, files.error].map((file) => bytesOf(`models/${name}/${file}`))) : null;

const weightsOf = async (name, manifest) =>
  new Float32Array((await bytesOf(`models/${name}/${manifest.weights.f32}`)).buffer);

/** Weights at `fidelity` of the way from a model (0) to its sibling of the L1 stage (1), as the Python Upscaler makes them. */
export async function weightsBetween({ name, sibling, manifest }, fidelity) {
  const ours = await weightsOf(name, manifest);
  if (!fidelity || !sibling) return ours;
  const faithful = await weightsOf(sibling, manifest);
  return ours.map((value, i) => value + fidelity * (faithful[i] - value));
}

/** Ask for every file of every model now, so that nothing is asked for later. */
export const preload = (models) =>
  Promise.all(
    models.flatMap((model) => [
      ...Object.keys(model.manifest.graphs).map((precision) => graphOf(model, precision)),
      weightsBetween(model, 1),
      errorGraphsOf(model),
    ]),
  );
