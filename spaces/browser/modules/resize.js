// Bicubic enlarging as in fasrgan_hub/images/bicubic.py: Keys' kernel with a = -0.5, borders mirrored.

function keys(distance) {
  const d = Math.abs(distance);
  if (d <= 1) return 1.5 * d ** 3 - 2.5 * d ** 2 + 1;
  return d <= 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0;
}

/** For every output pixel the four input pixels that it reads, and their weights. */
function taps(length, scale) {
  return Array.from({ length: scale * length }, (_, i) => {
    const center = (i + 0.5) / scale - 0.5;
    return [-1, 0, 1, 2].map((offset) => {
      const position = Math.floor(center) + offset;
      const mirrored = ((position % (2 * length)) + 2 * length) % (2 * length);
      return [mirrored < length ? mirrored : 2 * length - 1 - mirrored, keys(center - position)];
    });
  });
}

function enlargeRows(plane, width, height, scale) {
  const result = new Float32Array(width * height * scale);
  taps(height, scale).forEach((row, i) => {
    for (const [from, weight] of row) {
      for (let x = 0; x < width; x++) result[i * width + x] += weight * plane[from * width + x];
    }
  });
  return result;
}

function transpose(plane, width, height) {
  const result = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) result[x * height + y] = plane[y * width + x];
  return result;
}

/** One plane of floats, (height, width) -> (scale height, scale width). */
export function enlargeBicubic(plane, width, height, scale) {
  const tall = enlargeRows(plane, width, height, scale);
  const wide = enlargeRows(transpose(tall, width, scale * height), scale * height, width, scale);
  return transpose(wide, scale * height, scale * width);
}
