// What the first bytes of a file say, so that a small file that claims a gigantic image is refused before it is decoded.
import { Problem } from "./problem.js";

const text = (bytes, start, end) => String.fromCharCode(...bytes.subarray(start, end));

/** {kind, width, height, animated} of a file's bytes. Throws a Problem for what is no image of a known kind. */
export function readHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { starts, kind, read } of KINDS) {
    if (!starts(bytes)) continue;
    try {
      return { kind, animated: false, ...read(view, bytes) };
    } catch (error) {
      throw error instanceof Problem ? error : new Problem(`a damaged ${kind} file`);
    }
  }
  throw new Problem(bytes.length ? "not an image of a kind that browsers read" : "the file is empty");
}

const KINDS = [
  { kind: "PNG", starts: (b) => text(b, 1, 4) === "PNG", read: readPng },
  { kind: "JPEG", starts: (b) => b[0] === 0xff && b[1] === 0xd8, read: readJpeg },
  { kind: "GIF", starts: (b) => text(b, 0, 4) === "GIF8", read: readGif },
  { kind: "WebP", starts: (b) => text(b, 0, 4) === "RIFF" && text(b, 8, 12) === "WEBP", read: readWebp },
  { kind: "BMP", starts: (b) => text(b, 0, 2) === "BM", read: readBmp },
  { kind: "AVIF", starts: (b) => /^ftypavi[fs]/.test(text(b, 4, 12)), read: readBoxes },
  { kind: "HEIC", starts: (b) => /^ftyp(hei|hev|mif1)/.test(text(b, 4, 12)), read: readBoxes },
  { kind: "TIFF", starts: (b) => /^(II\*\0|MM\0\*)/.test(text(b, 0, 4)), read: () => ({ width: 1, height: 1 }) },
  { kind: "SVG", starts: (b) => /^\s*<(\?xml|!doctype svg|svg)/i.test(text(b, 0, 100)), read: refuseSvg },
];

function refuseSvg() {
  throw new Problem("SVG is a drawing, which gets larger without loss in any drawing program");
}

function readPng(view, bytes) {
  const beforePixels = text(bytes, 0, Math.min(bytes.length, 4096)).split("IDAT")[0];
  return { width: view.getUint32(16), height: view.getUint32(20), animated: beforePixels.includes("acTL") };
}

function readJpeg(view) {
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint8(at + 1) === 0xff) at++;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    if (view.getUint8(at) !== 0xff || marker === 0xda) throw new Problem("a damaged JPEG file");
  }
}

function readGif(view, bytes) {
  return { width: view.getUint16(6, true), height: view.getUint16(8, true), animated: countFrames(bytes) > 1 };
}

/** The frames of a GIF, as far as they are needed: 0, 1 or 2. */
function countFrames(bytes) {
  const paletteSize = (flags) => (flags & 128 ? 3 << ((flags & 7) + 1) : 0);
  const skipBlocks = (at) => {
    while (bytes[at]) at += bytes[at] + 1;
    return at + 1;
  };
  let frames = 0;
  for (let at = 13 + paletteSize(bytes[10]); at < bytes.length && frames < 2; ) {
    if (bytes[at] === 0x2c) at = skipBlocks(at + 11 + paletteSize(bytes[at + 9]), frames++);
    else if (bytes[at] === 0x21) at = skipBlocks(at + 2);
    else break;
  }
  return frames;
}

function readWebp(view, bytes) {
  const kind = text(bytes, 12, 16);
  const side = (at) => 1 + view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  if (kind === "VP8X") return { width: side(24), height: side(27), animated: Boolean(bytes[20] & 2) };
  if (kind === "VP8 ") return { width: view.getUint16(26, true) & 16383, height: view.getUint16(28, true) & 16383 };
  const bits = view.getUint32(21, true);
  return { width: 1 + (bits & 16383), height: 1 + ((bits >>> 14) & 16383) };
}

function readBmp(view) {
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/** The largest image that a HEIF container announces. */
function readBoxes(view, bytes) {
  let [width, height] = [1, 1];
  for (let at = 0; at + 16 < Math.min(bytes.length, 60_000); at++) {
    if (text(bytes, at, at + 4) !== "ispe") continue;
    width = Math.max(width, view.getUint32(at + 8));
    height = Math.max(height, view.getUint32(at + 12));
  }
  return { width, height, animated: text(bytes, 8, 12) === "avis" };
}
