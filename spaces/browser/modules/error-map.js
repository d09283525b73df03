// Where a result is likely wrong, as fasrgan_hub/upscaling/error_map.py estimates it, tile by tile.
import { errorGraphsOf } from "./models.js";
import { PngWriter } from "./png.js";
import { cutTile } from "./tiles.js";

const TINT = [235, 0, 110];
const STRENGTH = 0.85; // of the tint where the error is at its most
const MOST = 32; // gray levels
const MUCH = 10; // gray levels from which on a pixel counts as wrong

/** The part of a window that lies in the image. */
const inside = (span, length) => ({ ...span, start: Math.max(0, span.start), stop: Math.min(length, span.stop) });

/** Where a window lies in the result of a tile that starts at `from`. */
const enlarged = ({ start, stop }, from, scale) => ({ start: scale * (start - from), stop: scale * (stop - from) });

/** Collects the map of one image at the size of the input, in gray levels. */
export class ErrorMap {
  constructor(session, ort, damage, { colors, width, height }, scale) {
    Object.assign(this, { session, ort, damage, colors, width, height, scale, wrong: 0 });
    this.levels = new Float32Array(width * height);
  }

  /** Null if the model has no estimator. */
  static async of(ort, model, image) {
    const graphs = await errorGraphsOf(model);
    if (!graphs) return null;
    const [judge, session] = await Promise.all(
      graphs.map((graph) => ort.InferenceSession.create(graph, { executionProviders: ["wasm"] })),
    );
    const { width, height } = image;
    const whole = cutTile(image.colors, width, { x: { start: 0, stop: width }, y: { start: 0, stop: height } });
    const { damage } = await judge.run({ image: new ort.Tensor("float32", whole, [1, 3, height, width]) });
    await judge.release();
    return new ErrorMap(session, ort, damage, image, model.manifest.scale);
  }

  /** Judge what a tile has of the image, by the planes of its result in [0, 1], as their file will have them. */
  async add(window, planes) {
    const { scale } = this;
    const x = inside(window.x, this.width);
    const y = inside(window.y, this.height);
    const [width, height] = [x.stop - x.start, y.stop - y.start];
    const colors = cutTile(this.colors, this.width, { x, y });
    const rounded = planes.map((plane) => plane.map((value) => Math.round(255 * value) / 255));
    const place = { x: enlarged(x, window.x.start, scale), y: enlarged(y, window.y.start, scale) };
    const rgb = [0, 1, 2].map((c) => rounded[c % rounded.length]);
    const result = cutTile(rgb, scale * (window.x.stop - window.x.start), place);
    const { error } = await this.session.run({
      image: new this.ort.Tensor("float32", colors, [1, 3, height, width]),
      result: new this.ort.Tensor("float32", result, [1, 3, scale * height, scale * width]),
      damage: this.damage,
    });
    for (let row = y.first; row < y.last; row++) {
      for (let column = x.first; column < x.last; column++) {
        this.levels[row * this.width + column] = this.judge(error.data, width, row - y.start, column - x.start);
      }
    }
  }

  /** The mean of a pixel's square in the result; counts how much of it is likely wrong. */
  judge(data, width, row, column) {
    let total = 0;
    for (let i = 0; i < this.scale ** 2; i++) {
      const line = this.scale * row + Math.floor(i / this.scale);
      const level = data[(line * width + column) * this.scale + (i % this.scale)];
      total += level;
      this.wrong += Math.exp(-MUCH / Math.max(level, 1e-3));
    }
    return total / this.scale ** 2;
  }

  /** A transparent tint to lay over the result, and the share of the pixels that is likely wrong. */
  async finish() {
    const png = new PngWriter(this.width, this.height, 4);
    const pixels = new Uint8ClampedArray(4 * this.levels.length);
    this.levels.forEach((level, i) => pixels.set([...TINT, 255 * STRENGTH * Math.min(1, level / MOST)], 4 * i));
    await png.write(pixels);
    await this.session.release();
    return { png: await png.finish(), share: this.wrong / (this.levels.length * this.scale ** 2) };
  }
}
