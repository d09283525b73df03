"""The Space that computes in the browser, built with tiny models, and its page in a real Chromium."""

from pathlib import Path

import pytest
import torch
from browser import QUIET, require_browser
from browser_space import build, opened
from serve_browser_space import served_space

from fasrgan_hub import FASRGAN
from fasrgan_hub.hub.model_files import DIFFICULTY
from fasrgan_hub.models.error_estimator import ErrorEstimator


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """tiny-x4 and tiny-psnr-x4, which compute in no time. Their results are noisy, but not black."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("tiny-x4", "tiny-psnr-x4")):
        torch.manual_seed(seed)
        network = FASRGAN(blocks=1, features=8, growth=4)
        with torch.no_grad():
            spread, mean = torch.std_mean(network(torch.rand(1, 3, 32, 32)), dim=(0, 2, 3))
            network.conv_last.weight.mul_(0.2 / spread.view(3, 1, 1, 1))
            network.conv_last.bias.sub_(mean).mul_(0.2 / spread).add_(0.5)
        network.save_pretrained(folder / name)
    torch.manual_seed(0)
    estimator = ErrorEstimator()
    with torch.no_grad():
        estimator.layers[-1].weight.mul_(5)  # otherwise it starts out flat
        estimator.direct.weight[:, -1] = 0.3  # of the damage
    estimator.save_pretrained(folder / "tiny-x4" / DIFFICULTY)
    return folder


@pytest.fixture(scope="module")
def space(tmp_path_factory, models) -> Path:
    return build(tmp_path_factory.mktemp("space"), str(models / "tiny-x4"))


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    path = require_browser()
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=path, args=[*QUIET, *flags])


@pytest.fixture(scope="module")
def browser(chromium):
    browser = chromium()
    yield browser
    browser.close()


@pytest.fixture
def server(space):
    with served_space(space) as server:
        yield server


@pytest.fixture
def page(browser, server):
    page = opened(browser, server.url)
    yield page
    page.context.close()
