import json
import math

from fasrgan_hub.evaluation import ScoreReport

REPORT = ScoreReport({"a": {"psnr": 30.0, "ssim": 0.5}, "a long name": {"psnr": 8.126, "ssim": 0.25}})


def test_means_and_dictionary():
    assert REPORT.means == {"psnr": 19.063, "ssim": 0.375}
    assert REPORT.to_dict() == {
        "n": 2,
        "metrics": {"psnr": 19.063, "ssim": 0.375},
        "images": [
            {"name": "a", "psnr": 30.0, "ssim": 0.5},
            {"name": "a long name", "psnr": 8.126, "ssim": 0.25},
        ],
    }


def test_the_table_is_aligned():
    assert REPORT.table().splitlines() == [
        "image          PSNR    SSIM",
        "a             30.00  0.5000",
        "a long name    8.13  0.2500",
        "mean          19.06  0.3750",
    ]


def test_infinity_is_valid_json():
    report = ScoreReport({"a": {"psnr": math.inf}})
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["metrics"]["psnr"] is None
    assert "inf" in report.table()
