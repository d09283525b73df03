// node image_to_image.mjs MODULES DIR DTYPE IMAGE RESULT: the pipeline of transformers.js on one image file.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, folder, dtype, image, result] = process.argv.slice(2);
const file = createRequire(`${modules}/`).resolve("@huggingface/transformers");
const { env, pipeline } = await import(pathToFileURL(file));
env.allowRemoteModels = false;
const upscale = await pipeline("image-to-image", folder, { dtype });
await (await upscale(image)).save(result);
