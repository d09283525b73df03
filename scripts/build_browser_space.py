"""Build the static Space that enlarges images in the visitor's browser: python scripts/build_browser_space.py -o DIR.

DIR gets the page (spaces/browser), onnxruntime-web from the npm registry and bundled models as `fasrgan export --for
browser` writes them. `hf upload ORG/NAME DIR . --repo-type space` publishes it.
"""

import argparse
import base64
import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from fasrgan_hub.cache import cache_folder
from fasrgan_hub.errors import NetworkError, UserError
from fasrgan_hub.hub.model_files import LICENSE, bundled_models, model_files
from fasrgan_hub.images.atomic import make_folder, replace_file
from fasrgan_hub.interop import error_map_export, web_export
from fasrgan_hub.systems import from_pretrained
from fasrgan_hub.upscaling.network_interpolation import have_weights_between
from fasrgan_hub.upscaling.siblings import sibling, sibling_name

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "spaces" / "browser"
EXAMPLES = ROOT / "fasrgan_hub" / "apps" / "demo" / "examples"

VERSION = "1.30.0"
ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the archive, as the registry states it ("dist.integrity")."""
RUNTIME = (
    "ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm",
)  # fmt: skip
"""The runtime for the CPU alone, then the one for the GPU, which is twice as large."""
FIRST = "fasrgan-lite-x4"
"""The default of the page: a browser without WebGPU takes long for more."""
LARGEST = 20_000_000
"""Bytes of the weights up to which a bundled model is built in by default."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="the folder; created if absent")
    parser.add_argument(
        "--model", action="append", metavar="NAME",
        help="a bundled model, a folder or a Hub id; the first is the default. Default: the bundled ones up to 20 MB",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        build(make_folder(options.output), options.model or small_models())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def small_models() -> list[str]:
    """The bundled models for a page, `FIRST` first; those of the L1 stage come with their siblings."""
    files = {name: model_files(name) for name in bundled_models()}
    faithful = {sibling_name(each, "fidelity") for each in files.values()}
    small = [name for name, each in files.items() if each.weights.stat().st_size <= LARGEST]
    return sorted((name for name in small if name not in faithful), key=lambda name: name != FIRST)


def build(folder: Path, names: list[str]) -> None:
    """Fill the folder; files of an older build are replaced. The service worker comes last, with a hash of the rest."""
    for part in ("models", "modules", "runtime", "examples"):
        shutil.rmtree(folder / part, ignore_errors=True)
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    shutil.copy(ROOT / "LICENSE", folder)
    make_folder(folder / "examples")
    for name in ("cat", "coffee", "face"):
        shutil.copy(EXAMPLES / f"{name}.png", folder / "examples")
    extract_runtime(fetch_runtime(), make_folder(folder / "runtime"))
    models = [add_model(name, folder / "models") for name in names]
    (folder / "models.json").write_text(json.dumps(models), encoding="utf-8")
    licenses = (PAGE / "LICENSES.txt").read_text(encoding="utf-8").replace("VERSION", VERSION)
    lines = [f"  {model['name']}: {model['manifest']['license']}\n" for model in models]
    (folder / "LICENSES.txt").write_text(licenses + "".join(lines), encoding="utf-8")
    write_service_worker(folder)


def fetch_runtime() -> Path:
    """The archive of onnxruntime-web, from the cache or the npm registry. Raises NetworkError."""
    path = make_folder(cache_folder()) / ADDRESS.rpartition("/")[2]
    if not path.is_file():
        try:
            with urlopen(ADDRESS, timeout=60) as reply, replace_file(path) as file:
                shutil.copyfileobj(reply, file)
        except (URLError, TimeoutError) as error:
            raise NetworkError(f"cannot download {ADDRESS}: {error}") from error
    if base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode() != SHA512:
        path.unlink()
        raise NetworkError(f"{ADDRESS} is not the archive that this script knows; nothing was built")
    return path


def extract_runtime(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for name in RUNTIME:
            source = tar.extractfile(f"package/dist/{name}")
            assert source is not None
            (folder / name).write_bytes(source.read())


def add_model(name: str, folder: Path) -> dict[str, Any]:
    """Export a model, and its sibling if it has one; returns what models.json says of it."""
    label = Path(name).name
    files = (
        *web_export.GRAPHS.values(),
        web_export.WEIGHTS["f32"],
        *error_map_export.GRAPHS.values(),
        LICENSE,
    )
    manifest = export(name, folder / label, files)
    faithful = find_sibling(name)
    if faithful:
        export(faithful, folder / Path(faithful).name, (web_export.WEIGHTS["f32"],))
    return {"name": label, "sibling": faithful and Path(faithful).name, "manifest": manifest}


def find_sibling(name: str) -> str | None:
    """The name of the model of the L1 stage whose weights the page can mix with this one's, if there is one."""
    files = model_files(name)
    try:
        other = sibling(files, "fidelity")
    except UserError:
        return None
    return other.name if have_weights_between(from_pretrained(files), from_pretrained(other)) else None


def export(name: str, folder: Path, files: Sequence[str]) -> dict[str, Any]:
    """Export a model, keep those of the files that it has, return the manifest. The page makes weights in f16."""
    with TemporaryDirectory() as whole:
        web_export.export_for("browser", name, whole)
        for path in filter(Path.is_file, (Path(whole, file) for file in files)):
            shutil.copy(path, make_folder(folder))
        manifest: dict[str, Any] = json.loads(Path(whole, web_export.MANIFEST).read_text(encoding="utf-8"))
    return manifest


def write_service_worker(folder: Path) -> None:
    """Tell the service worker which files make up the page, and a version that changes with any file."""
    worker = folder / "service-worker.js"
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".md" and path != worker
    ]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]
    names = [path.relative_to(folder).as_posix() for path in paths]
    page = ["./", *(name for name in names if not name.startswith(("models/", "runtime/")))]
    text = (PAGE / worker.name).read_text(encoding="utf-8")
    worker.write_text(text.replace("VERSION", version).replace("FILES", json.dumps(page)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
