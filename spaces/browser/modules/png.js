// A PNG written in bands of rows, so that only its compressed form is ever whole in memory.

const COLOR_TYPES = [0, 0, 4, 2, 6]; // by the number of channels
const UP = 2; // the filter of every row: the difference from the row above

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value;
}

function chunk(kind, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(content, 8);
  view.setUint32(content.length + 8, crc(bytes.subarray(4, content.length + 8)));
  return bytes;
}

function header(width, height, channels) {
  const bytes = new Uint8Array(13);
  new DataView(bytes.buffer).setUint32(0, width);
  new DataView(bytes.buffer).setUint32(4, height);
  bytes.set([8, COLOR_TYPES[channels], 0, 0, 0], 8);
  return bytes;
}

/** Takes bands of interleaved bytes with `write` and gives a Blob with `finish`. */
export class PngWriter {
  constructor(width, height, channels) {
    this.parts = [Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), chunk("IHDR", header(width, height, channels))];
    this.stride = width * channels;
    this.above = new Uint8Array(this.stride);
    const { readable, writable } = new CompressionStream("deflate");
    this.writer = writable.getWriter();
    this.collected = this.collect(readable.getReader());
  }

  async collect(reader) {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      this.parts.push(chunk("IDAT", next.value));
    }
  }

  write(pixels) {
    const rows = pixels.length / this.stride;
    const filtered = new Uint8Array(pixels.length + rows);
    for (let row = 0, to = 0; row < rows; row++) {
      const current = pixels.subarray(row * this.stride, (row + 1) * this.stride);
      filtered[to++] = UP;
      for (let i = 0; i < this.stride; i++) filtered[to++] = current[i] - this.above[i];
      this.above = current;
    }
    return this.writer.write(filtered);
  }

  async finish() {
    await this.writer.close();
    await this.collected;
    return new Blob([...this.parts, chunk("IEND", new Uint8Array())], { type: "image/png" });
  }
}
