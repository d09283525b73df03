// Image files to pixels: upright, in sRGB, not premultiplied by alpha.
import { readHeader } from "./formats.js";
import { Problem } from "./problem.js";

const MEGAPIXELS = 4;
const LONGEST_SIDE = 8192;

/** {width, height, colors (three planes in [0, 1]), alpha (a plane or null), isGray} of a file. Throws a Problem. */
export async function decode(file) {
  const { kind } = checkHeader(readHeader(new Uint8Array(await file.slice(0, 1 << 24).arrayBuffer())), file);
  const options = { premultiplyAlpha: "none", imageOrientation: "from-image" };
  const bitmap = await createImageBitmap(file, options).catch(() => {
    throw new Problem(
      ["HEIC", "TIFF", "AVIF"].includes(kind)
        ? `this browser cannot read ${kind}; save it as JPEG or PNG`
        : `a damaged ${kind} file`,
    );
  });
  checkSize(bitmap, file);
  const { width, height } = bitmap;
  const pixels = readPixels(bitmap);
  bitmap.close();
  return { width, height, ...toPlanes(pixels) };
}

function checkHeader(header, file) {
  checkSize(header, file);
  if (header.animated) throw new Problem(`an animation; at home: fasrgan upscale "${file.name}"`);
  return header;
}

function checkSize({ width, height }, file) {
  if (!width || !height) throw new Problem("damaged, because it says that it has no pixels");
  if (width * height <= MEGAPIXELS * 1e6 && Math.max(width, height) <= LONGEST_SIDE) return;
  const limit = `${MEGAPIXELS} megapixels and ${LONGEST_SIDE} pixels a side`;
  throw new Problem(`${width}×${height} pixels are more than ${limit}; at home: fasrgan upscale "${file.name}"`);
}

/** Through WebGL, because a 2D canvas rounds the colors of transparent pixels. */
function readPixels(bitmap) {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return readFromCanvas(bitmap);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const pixels = new Uint8Array(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  const failed = gl.getError();
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return failed ? readFromCanvas(bitmap) : pixels;
}

function readFromCanvas(bitmap) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

function toPlanes(pixels) {
  const [red, green, blue, alpha] = [0, 1, 2, 3].map((channel) => {
    const plane = new Float32Array(pixels.length / 4);
    for (let i = 0; i < plane.length; i++) plane[i] = pixels[4 * i + channel] / 255;
    return plane;
  });
  const isGray = red.every((value, i) => value === green[i] && value === blue[i]);
  return { colors: [red, green, blue], isGray, alpha: alpha.every((value) => value === 1) ? null : alpha };
}
