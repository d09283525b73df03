// Colors of fully transparent pixels are taken from their surroundings, as in fasrgan_hub/upscaling/transparency.py.

/** Fill planes of colors where `alpha` is zero; of the whole image at once, so that tiles cannot be seen. */
export function fillTransparent({ colors, alpha, width, height }) {
  const known = alpha.map((value) => (value > 0 ? 1 : 0));
  if (!known.includes(0) || !known.includes(1)) return;
  for (const plane of colors) {
    plane.set(filled(plane.map((value, i) => value * known[i]), known, width, height));
  }
}

/** Pull-push: halve until every pixel has a color, then take missing colors from the next smaller plane. */
function filled(plane, known, width, height) {
  if (!known.includes(0)) return plane;
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const [sums, counts] = [plane, known].map((values) => sumSquares(values, width, height));
  const means = sums.map((sum, i) => sum / Math.max(1, counts[i]));
  const smaller = filled(means, counts.map((count) => Math.min(1, count)), w, h);
  return plane.map((value, i) =>
    known[i] ? value : sampleTwice(smaller, w, h, i % width, Math.floor(i / width)),
  );
}

/** The sums of squares of two by two pixels. */
function sumSquares(plane, width, height) {
  const half = Math.ceil(width / 2);
  const result = new Float32Array(half * Math.ceil(height / 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) result[(y >> 1) * half + (x >> 1)] += plane[y * width + x];
  }
  return result;
}

/** The pixel (x, y) of a plane enlarged twice with bilinear interpolation. */
function sampleTwice(plane, width, height, x, y) {
  const [left, top] = [Math.max(0, x / 2 - 0.25), Math.max(0, y / 2 - 0.25)];
  const [x0, y0] = [Math.floor(left), Math.floor(top)];
  const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)];
  const [fx, fy] = [left - x0, top - y0];
  const upper = plane[y0 * width + x0] * (1 - fx) + plane[y0 * width + x1] * fx;
  const lower = plane[y1 * width + x0] * (1 - fx) + plane[y1 * width + x1] * fx;
  return upper * (1 - fy) + lower * fy;
}
