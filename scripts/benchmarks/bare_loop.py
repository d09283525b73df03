"""Training as one would write it in a page of PyTorch: the measure of what the trainer adds.

The networks, losses and weights are the package's; there is no Accelerate, no stream of data, no log, no check for
results that are not finite, no average, no checkpoint. One process, one device.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from fasrgan_hub import losses
from fasrgan_hub.backbones import PerceptualFeatures
from fasrgan_hub.training.config import TrainConfig

Batch = dict[str, Tensor]


class BareLoop:
    """`step(batch)` is one iteration of the stage that `config` describes, in f32 or under bf16 autocast."""

    def __init__(self, config: TrainConfig, bf16: bool, device: torch.device):
        row = config.system_row()
        self.weights, self.r1 = row.losses, config.optimizer.r1
        self.autocast = torch.autocast(device.type, torch.bfloat16, enabled=bf16)

        def place(module: Any) -> Any:
            return module.to(device, memory_format=torch.channels_last)

        generator = row.build_generator()
        self.generator = place(generator.train())
        self.optimizer_g = Adam(self.generator.parameters(), lr=config.optimizer.lr)
        self.step = self.l1_step
        if config.stage == "psnr":
            return
        discriminator = row.build_discriminator(generator, config.data.crop)
        self.discriminator = place(discriminator.train())
        perceptual = config.perceptual
        self.features = place(PerceptualFeatures(perceptual.network, perceptual.block_weights).eval())
        self.extractor: nn.Module = nn.Identity()
        moved = list(self.discriminator.parameters())
        if discriminator.config["in_channels"] != 3 and generator.extractor is not None:
            self.extractor = generator.extractor
            moved += generator.extractor.parameters()
        self.optimizer_d = Adam(moved, lr=config.optimizer.lr)
        self.step = self.adversarial_step

    def l1_step(self, batch: Batch) -> None:
        with self.autocast:
            sr = self.generator(batch["lr"])
        loss = losses.content_loss(sr.float(), batch["hr"])
        self.optimizer_g.zero_grad()
        loss.backward()
        self.optimizer_g.step()

    def adversarial_step(self, batch: Batch) -> None:
        lr, hr, weights = batch["lr"], batch["hr"], self.weights
        self.discriminator.requires_grad_(False)
        with self.autocast:
            sr = self.generator(lr)
            sr_features = [x.float() for x in self.features(sr)]
        sr = sr.float()
        fake = self.score(sr)
        with torch.no_grad():  # not within the autocast above, which would cache weights without their graph
            real = self.score(hr)
            with self.autocast:
                hr_features = [x.float() for x in self.features(hr)]
        entire = losses.generator_image_loss(real[0], fake[0])
        loss = weights.perceptual * losses.perceptual_loss(sr_features, hr_features)
        loss = loss + weights.content * losses.content_loss(sr, hr)
        for name, term in losses.EXTRA_TERMS.items():
            if weight := getattr(weights, name):
                loss = loss + weight * term(sr, hr)
        if fake[1] is not None and real[1] is not None:
            entire = entire + weights.fine * losses.generator_map_loss(real[1], fake[1])
            loss = loss + weights.attention * losses.attention_loss(fake[1], sr, hr)
        self.optimizer_g.zero_grad()
        (loss + weights.adversarial * entire).backward()
        self.optimizer_g.step()

        self.discriminator.requires_grad_(True)
        real, fake = self.score(hr), self.score(sr.detach())
        loss = losses.discriminator_image_loss(real[0], fake[0])
        if fake[1] is not None and real[1] is not None:
            loss = loss + weights.fine * losses.discriminator_map_loss(real[1], fake[1])
        if self.r1:
            hr = hr.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.score(hr)[0].sum(), hr, create_graph=True)
            loss = loss + self.r1 * slope.square().sum(dim=(1, 2, 3)).mean() / 2
        self.optimizer_d.zero_grad()
        loss.backward()
        self.optimizer_d.step()

    def score(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """The logits of the images, and of their pixels where there is a map."""
        with self.autocast:
            image, score_map = self.discriminator(self.extractor(images))
        return image.float(), None if score_map is None else score_map.float()
