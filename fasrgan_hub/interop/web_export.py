"""Generators for programs that compute in a web page: onnxruntime-web as it is, and transformers.js."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ..errors import MissingFileError, UserError
from ..extras import import_extra
from ..hub.model_files import CONFIG, ModelFiles, model_files, read_config
from ..hub.origins import Origin, read_origin, write_notice
from ..images.atomic import make_folder, replace_files, write_json
from ..models.error_estimator import ErrorEstimator
from ..upscaling.engines.convert import INPUT, OUTPUT, write_onnx
from ..upscaling.engines.network import Network, find_network
from ..upscaling.error_map import load_estimator
from ..upscaling.tiles import MIRROR, default_margin, default_overlap
from . import error_map_export
from .export import Exported, difference, onnx_run

TILE = 128
"""Side in input pixels of what a tile adds to the result; with it the runtime takes about 200 MB."""
GRAPHS = {"f32": "model.onnx", "f16": "model_fp16.onnx"}
WEIGHTS = {"f32": "weights.bin", "f16": "weights_fp16.bin"}
MANIFEST = "manifest.json"


def export_for(
    program: str, model: str | Path | nn.Module, output: str | Path, revision: str | None = None
) -> Exported:
    """Write a generator in f32 and f16 into a folder, laid out for a program; both take and give float32.

    | program         | files                                                                            |
    |-----------------|----------------------------------------------------------------------------------|
    | browser         | model.onnx with weights.bin, model_fp16.onnx with weights_fp16.bin, manifest.json |
    | transformers.js | config.json, preprocessor_config.json, onnx/model.onnx, onnx/model_fp16.onnx     |

    browser, for onnxruntime-web: input "image", output "enlarged", shapes as in `export`; manifest.json says how
    images are to be cut into tiles. A model that came with an error estimator also gets damage.onnx and
    error_map.onnx, see `write_error_map`. Weights are plain numbers one after the other, little-endian and in one
    order in all exports of one architecture, so that a page can interpolate between two models. The page fixes the
    shape of tiles when it opens the model (`freeDimensionOverrides`), because only an image smaller than a tile has
    another.

    transformers.js, for the pipeline "image-to-image": input "pixel_values", output "reconstruction". Its own list of
    models has one kind for this task, Swin2SR, which the configuration therefore names; only the graph is run.

    Args:
        program: "browser" or "transformers.js".
        model: a bundled name, a folder, a Hub id or a module.
        output: the folder, created if absent; files of these names are replaced.
        revision: of a Hub id.

    Returns the files and the difference of the f16 results from torch's.

    Raises:
        FileAccessError: the folder cannot be written.
        MissingPackageError: onnx or onnxruntime is not installed.
        FailedError: the written network's results differ from the model's, such as in f16 by an overflow.
        UserError: there is no such program or model.
    """
    if program not in PROGRAMS:
        raise UserError(f"there is no export for '{program}'; there are {', '.join(PROGRAMS)}")
    for package in ("onnx", "onnxruntime"):
        import_extra(package, f"--for {program}", "onnx")
    files = None if isinstance(model, nn.Module) else model_files(model, revision=revision)
    return PROGRAMS[program](find_network(files or model), files, make_folder(output))


def _is_model(folder: Path) -> bool:
    try:
        return bool(read_config(folder / CONFIG, str(folder)))
    except (OSError, UserError):
        return False


def _origin(files: ModelFiles | None) -> Origin:
    """Where the weights come from; the license is "unknown" where no card says it."""
    origin = read_origin(files) if files else Origin()
    return replace(origin, license=origin.license or "unknown")


def _estimator(files: ModelFiles | None) -> ErrorEstimator | None:
    """The error estimator that came with the model, if one did."""
    try:
        return load_estimator(files) if files else None
    except MissingFileError:
        return None


def _export_for_browser(network: Network, files: ModelFiles | None, folder: Path) -> Exported:
    module, estimator = network.load(), _estimator(files)
    maps = error_map_export.GRAPHS if estimator else {}
    names = [*GRAPHS.values(), *WEIGHTS.values(), *maps.values(), MANIFEST]
    with replace_files(folder) as partial:
        for precision, name in GRAPHS.items():
            write_onnx(module, partial / name, half=precision == "f16")
            _move_weights(partial / name, WEIGHTS[precision])
            largest, mean = difference(onnx_run(partial / name), module, precision)
        if estimator:
            error_map_export.write_error_map(estimator, partial)
        manifest = _manifest(network, _origin(files).license) | ({"error_map": maps} if maps else {})
        write_json(partial / MANIFEST, manifest)
        names += write_notice(partial, [_origin(files)])
    return Exported(tuple(folder / name for name in names), largest, mean)


def _manifest(network: Network, license: str) -> dict[str, Any]:
    """What a page must know to enlarge an image with the network as `Upscaler` does."""
    step = network.unshuffle
    overlap = default_overlap(network.blocks, step)
    sides = ["height", "width"]
    return {
        "scale": network.scale,
        "tile": max(TILE * step, 2 * overlap),
        "overlap": overlap,
        "step": step,
        "margin": default_margin(MIRROR, overlap, step),
        "input": {"name": INPUT, "type": "float32", "shape": ["batch", 3, *sides]},
        "output": {
            "name": OUTPUT,
            "type": "float32",
            "shape": ["batch", 3, *(f"enlarged_{side}" for side in sides)],
        },
        "values": "RGB in [0, 1]; the output is not clamped",
        "graphs": GRAPHS,
        "weights": WEIGHTS,
        "license": license,
    }


def _move_weights(path: Path, weights: str) -> None:
    """Move the floats of an ONNX file into one beside it, without gaps, in the order in which the graph uses them.

    The exporter stores equal tensors once, such as biases of zero; here each use gets its own, so that the order is
    that of the architecture.
    """
    import onnx
    from onnx.external_data_helper import set_external_data

    model = onnx.load(path)
    graph, floats = model.graph, {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
    tensors = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type in floats}
    kept = [tensor for tensor in graph.initializer if tensor.name not in tensors]
    uses = [(node, index) for node in graph.node for index, name in enumerate(node.input) if name in tensors]
    numbers = bytearray()
    for count, (node, index) in enumerate(uses):
        tensor = onnx.TensorProto()
        tensor.CopyFrom(tensors[node.input[index]])
        node.input[index] = tensor.name = f"weights_{count}"
        set_external_data(tensor, weights, offset=len(numbers), length=len(tensor.raw_data))
        numbers += tensor.raw_data
        tensor.ClearField("raw_data")
        kept.append(tensor)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    (path.parent / weights).write_bytes(numbers)
    path.write_bytes(model.SerializeToString())


def _export_for_transformers_js(network: Network, files: ModelFiles | None, folder: Path) -> Exported:
    module, configs = network.load(), _transformers_js_configs(network, _origin(files).license)
    if _is_model(folder):
        raise UserError(f"'{folder}' holds a model, whose {CONFIG} would be replaced; choose another folder")
    with replace_files(folder) as partial, replace_files(folder / "onnx") as graphs:
        for precision, name in GRAPHS.items():
            write_onnx(module, graphs / name, ("pixel_values", "reconstruction"), half=precision == "f16")
            largest, mean = difference(onnx_run(graphs / name), module, precision)
        for name, content in configs.items():
            write_json(partial / name, content)
        names = (
            *(f"onnx/{name}" for name in GRAPHS.values()),
            *configs,
            *write_notice(partial, [_origin(files)]),
        )
    return Exported(tuple(folder / name for name in names), largest, mean)


def _transformers_js_configs(network: Network, license: str) -> dict[str, Any]:
    """The configuration files by their names. Images are neither resized nor padded, only divided by 255."""
    kind = "Swin2SRForImageSuperResolution"
    return {
        "config.json": {
            "model_type": "swin2sr",
            "architectures": [kind],
            "upscale": network.scale,
            "license": license,
        },
        "preprocessor_config.json": {
            "image_processor_type": "Swin2SRImageProcessor",
            "do_convert_rgb": True,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_resize": False,
            "do_normalize": False,
            "do_pad": False,
        },
    }


PROGRAMS: dict[str, Callable[[Network, ModelFiles | None, Path], Exported]] = {
    "browser": _export_for_browser,
    "transformers.js": _export_for_transformers_js,
}
"""By the name of a program, what writes its folder."""
