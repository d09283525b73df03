// Sentences with numbers in them.

const number = (value, unit) => `${value} ${unit}${value === 1 ? "" : "s"}`;

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 90 ? `${Math.round(seconds)} s` : number(Math.round(seconds / 60), "minute");
}

export const fileSize = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

export function progressText(size, part, milliseconds) {
  const left = (milliseconds / 1000) * (1 / part - 1);
  return part < 1 ? `${size} pixels, about ${duration(left)} left` : `${size} pixels, writing the PNG…`;
}

export const mapText = ({ share }) =>
  `The redder, the likelier wrong: about ${Math.round(100 * share)} % of the pixels are likely off by more than 10 of 255 levels.`;

const name = ({ provider, threads, precision }) =>
  provider === "webgpu" ? `the GPU (WebGPU, ${precision})` : `the CPU (WebAssembly, ${number(threads, "thread")})`;

const speed = ({ seconds }) => (seconds ? `: ${Math.round(1000 * seconds)} ms for 64×64 pixels` : "");

/** What computes, how fast it was measured to be, and beside what. */
export function describeEngine(choice) {
  const own = `Computes on ${name(choice)}${speed(choice)}`;
  const { other } = choice;
  if (!other) return `${own}. This browser offers no WebGPU.`;
  return other.failed ? `${own}. WebGPU gave no usable result.` : `${own}; ${name(other)}${speed(other)}.`;
}
