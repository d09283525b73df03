// Tiles as in fasrgan_hub/upscaling/tiles.py: overlapping windows of one size, whose used parts are disjoint.

/** Cut `length` pixels into windows [start, stop), of which the result uses [first, last); starts are multiples of `step`. */
export function spans(length, tile, overlap, step) {
  const count = Math.max(1, Math.ceil((length - 2 * overlap) / tile));
  const core = Math.ceil((length - 2 * overlap) / count / step) * step;
  const steps = Math.floor(Math.max(0, length - core - 2 * overlap) / step);
  const window = length - steps * step;
  const starts = Array.from({ length: count }, (_, i) => Math.floor((i * steps) / Math.max(1, count - 1)) * step);
  const cuts = starts.slice(1).map((right, i) => Math.floor((starts[i] + window + right) / 2));
  return starts.map((start, i) => ({ start, stop: start + window, first: cuts[i - 1] ?? 0, last: cuts[i] ?? length }));
}

/** The tiles of an image in rows, from top to bottom. */
export function tileRows({ width, height }, { tile, overlap, step }) {
  const longest = Math.max(width, height);
  const side = Math.ceil(Math.min(tile, longest) / step) * step;
  const columns = spans(width, side, overlap, step);
  return spans(height, side, overlap, step).map((y) => columns.map((x) => ({ x, y })));
}

/** The windows of several planes of an image, one after the other. */
export function cutTile(planes, imageWidth, { x, y }) {
  const [width, height] = [x.stop - x.start, y.stop - y.start];
  const tile = new Float32Array(planes.length * width * height);
  planes.forEach((plane, c) => {
    for (let row = 0; row < height; row++) {
      const from = (y.start + row) * imageWidth + x.start;
      tile.set(plane.subarray(from, from + width), (c * height + row) * width);
    }
  });
  return tile;
}

/** Copy the used part of an enlarged tile into a band of rows; bytes are rounded and clipped by their array. */
export function pasteTile(band, { x, y }, planes, scale) {
  const width = scale * (x.stop - x.start);
  const [left, count] = [scale * (x.first - x.start), scale * (x.last - x.first)];
  for (let row = 0; row < band.height; row++) {
    const from = (scale * (y.first - y.start) + row) * width + left;
    let to = (row * band.width + scale * x.first) * planes.length;
    for (let column = from; column < from + count; column++) {
      for (const plane of planes) band.pixels[to++] = 255 * plane[column];
    }
  }
}
