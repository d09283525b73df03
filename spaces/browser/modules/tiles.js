// Tiles as in fasrgan_hub/upscaling/tiles.py: overlapping windows of one size, whose used parts are disjoint.

/**
 * Cut `length` pixels and `margin` more on both sides into windows [start, stop), of which the result uses
 * [first, last); starts are multiples of `step` from the first one.
 */
export function spans(length, tile, overlap, step, margin) {
  const all = length + 2 * margin;
  const count = Math.max(1, Math.ceil((all - 2 * overlap) / tile));
  const core = Math.ceil((all - 2 * overlap) / count / step) * step;
  const steps = Math.floor(Math.max(0, all - core - 2 * overlap) / step);
  const window = all - steps * step;
  const starts = Array.from(
    { length: count },
    (_, i) => Math.floor((i * steps) / Math.max(1, count - 1)) * step - margin,
  );
  const cuts = starts.slice(1).map((right, i) => Math.floor((starts[i] + window + right) / 2));
  return starts.map((start, i) => ({ start, stop: start + window, first: cuts[i - 1] ?? 0, last: cuts[i] ?? length }));
}

/** The tiles of an image in rows, from top to bottom. */
export function tileRows({ width, height }, { tile, overlap, step, margin }) {
  const longest = Math.max(width, height) + 2 * margin;
  const side = Math.ceil(Math.min(tile, longest) / step) * step;
  const columns = spans(width, side, overlap, step, margin);
  return spans(height, side, overlap, step, margin).map((y) => columns.map((x) => ({ x, y })));
}

/** The windows of several planes of an image, one after the other; beyond its edges lies its reflection. */
export function cutTile(planes, imageWidth, { x, y }) {
  const imageHeight = planes[0].length / imageWidth;
  const [width, height] = [x.stop - x.start, y.stop - y.start];
  const columns = Array.from({ length: width }, (_, i) => mirrored(x.start + i, imageWidth));
  const tile = new Float32Array(planes.length * width * height);
  let to = 0;
  for (const plane of planes) {
    for (let row = y.start; row < y.stop; row++) {
      const from = mirrored(row, imageHeight) * imageWidth;
      for (const column of columns) tile[to++] = plane[from + column];
    }
  }
  return tile;
}

/** The pixel at `index` of an axis that goes back and forth, the outermost pixel twice. */
function mirrored(index, length) {
  const place = ((index % (2 * length)) + 2 * length) % (2 * length);
  return Math.min(place, 2 * length - 1 - place);
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
