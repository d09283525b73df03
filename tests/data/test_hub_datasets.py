"""Data sets on a Hub on loopback, read by the real huggingface_hub and datasets in a process of their own."""

import hashlib
import io

from conftest import photo
from packing import tabled, tarred, zipped
from PIL import Image
from test_sources import IMAGES

OPEN = """
import hashlib
from fasrgan_hub.data.sources import open_source

source = open_source(spec, seed=0)
print(source.num_shards)
for row in source:
    print(hashlib.sha256(row["read"]()).hexdigest())
"""

CATCH = """
from fasrgan_hub.data.sources import open_source
from fasrgan_hub.errors import UserError

try:
    open_source({spec!r}, seed=0)
except UserError as error:
    print(error)
"""


def told(client, spec):
    outcome = client.python(f"spec = {spec!r}\n{OPEN}")
    assert outcome.status == 0
    shards, *digests = outcome.output.split()
    return int(shards), sorted(digests)


def digests(files):
    return sorted(hashlib.sha256(data).hexdigest() for data in files.values())


def test_div2k_comes_from_the_hub_by_its_endpoint_and_token(hub, client):
    hub.create("goodfellowliu/DIV2K", "datasets", private=True)
    hub.edit("goodfellowliu/DIV2K", {"DIV2K_train_HR.zip": zipped(IMAGES)}, "datasets")
    hub.requests.clear()
    assert told(client, "div2k") == (len(IMAGES), digests(IMAGES))
    resolved = [headers for _, path, headers in hub.requests if "/resolve/" in path]
    assert len(resolved) == 1 and "authorization" in resolved[0]
    fetched = [headers for _, path, headers in hub.requests if "/cdn/" in path]
    assert len(fetched) >= len(IMAGES) and not any("authorization" in headers for headers in fetched)


def png(seed):
    data = io.BytesIO()
    Image.fromarray(photo(40, 40, seed)).save(data, "png")
    return data.getvalue()


def test_image_datasets_of_the_hub(hub, client):
    images = {f"{i}.png": png(i) for i in range(6)}
    hub.create("org/table", "datasets")
    tables = {"data/train-0.parquet": tabled(images), "data/test-0.parquet": tabled(IMAGES)}
    hub.edit("org/table", tables, "datasets")
    hub.create("org/folder", "datasets", private=True)
    hub.edit("org/folder", images | {"metadata.jsonl": b'{"file_name": "0.png"}'}, "datasets")
    hub.create("org/shards", "datasets")
    hub.edit("org/shards", {f"train-{i}.tar": tarred({f"{i}.png": png(i)}) for i in range(6)}, "datasets")
    assert told(client, "hub:org/table:photo") == (2, digests(images))
    assert told(client, "hub:org/table/default:photo@test") == (3, digests(IMAGES))
    assert told(client, "hub:org/folder") == (6, digests(images))
    assert told(client, "hub:org/shards") == (6, digests(images))


def test_what_the_hub_does_not_have_is_told_in_one_line(hub, client):
    hub.create("org/lines", "datasets")
    hub.edit("org/lines", {"train.jsonl": b'{"text": "no image"}\n'}, "datasets")
    for spec, message in [
        ("hub:org/none", "cannot open 'hub:org/none': "),
        ("hub:org/lines@test", "has no split 'test'; its splits are train"),
        ("hub:org/lines", "train.jsonl', only images, .zip, .tar"),
        ("zip:hf://datasets/org/none/a.zip", "cannot read hf://datasets/org/none/a.zip: "),
    ]:
        outcome = client.python(CATCH.format(spec=spec))
        assert message in outcome.output and outcome.output.count("\n") == 1
