"""Errors for Python users: a UserError that is also the standard exception that a caller would catch."""

import pickle

import numpy as np
import pytest
import torch

import fasrgan_hub
from fasrgan_hub import errors
from fasrgan_hub.errors import UserError
from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.writing import save_image

STANDARD = {
    errors.WrongTypeError: TypeError,
    errors.MissingFileError: FileNotFoundError,
    errors.OverwriteError: FileExistsError,
    errors.FileAccessError: OSError,
    errors.MissingPackageError: ImportError,
    errors.NetworkError: ConnectionError,
    errors.AccessDeniedError: PermissionError,
    errors.OutOfMemoryError: MemoryError,
    errors.FailedError: RuntimeError,
}


def test_every_error_of_the_module_is_a_user_error_and_a_standard_one():
    classes = {value for value in vars(errors).values() if isinstance(value, type)}
    assert classes == {UserError, *STANDARD}
    for kind, standard in STANDARD.items():
        assert issubclass(kind, UserError)
        assert issubclass(kind, standard)


@pytest.mark.parametrize("kind", [UserError, *STANDARD])
def test_an_error_is_its_message_also_after_it_came_from_another_process(kind):
    error = pickle.loads(pickle.dumps(kind("there is no file 'a'")))
    assert type(error) is kind
    assert str(error) == "there is no file 'a'"


def test_python_users_catch_what_they_know(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no model 'nowhere'"):
        fasrgan_hub.from_pretrained("nowhere")
    with pytest.raises(FileNotFoundError, match="cannot read"):
        read_image(tmp_path / "absent.png")
    (tmp_path / "broken.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match="is not an image") as caught:
        read_image(tmp_path / "broken.png")
    assert not isinstance(caught.value, OSError)
    (tmp_path / "full").write_text("a file where a folder should be")
    with pytest.raises(OSError, match="cannot write"):
        save_image(DecodedImage(np.zeros((2, 2, 3), np.uint8)), tmp_path / "full" / "result.png")


def test_an_upscaler_takes_images_and_names_the_model_for_tensors():
    with pytest.raises(TypeError, match=r"not Tensor; call the model itself for a tensor"):
        fasrgan_hub.Upscaler("bicubic")(torch.zeros(1, 3, 4, 4))
