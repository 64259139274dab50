"""Networks, weights on disk and their ONNX form."""

import base64
import io
import json

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import save_file

from bradyseism.models import checkpoint
from bradyseism.models.export import export_onnx
from bradyseism.models.network import (
    NETWORKS,
    Classifier,
    build,
    pool,
)

CARD = {"seed": 3, "prior": "half of all windows", "limits": ["none known", "\u00e4"]}


@pytest.fixture(scope="module", params=["compact", "light"])
def compact(request) -> Classifier:
    return build(request.param, 3, seed=1).eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def run(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session, session.run(None, {"image": images.numpy()})


def test_compact_has_eight_by_eight_cells_and_fits_the_package(compact, images):
    with torch.inference_mode():
        output = compact(images)
    assert output.logit.shape == (3,)
    assert output.features.shape == (3, NETWORKS[compact.name].width, 8, 8)
    assert output.place.shape == (3, 8, 8)
    assert sum(4 * p.numel() for p in compact.parameters()) <= 5.5e6


def test_inception_resnet_takes_the_patch_of_the_paper():
    model = build("inception_resnet_v2", 1).eval()
    with torch.inference_mode():
        output = model(torch.zeros(1, 1, 256, 256))
    assert output.features.shape[:2] == (1, 1536)
    assert output.place.shape[1:] == output.features.shape[2:]


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_smallest_image_leaves_a_feature_map(name):
    model = build(name, 1).eval()
    side = NETWORKS[name].smallest
    with torch.inference_mode():
        features = model(torch.zeros(1, 1, side, side)).features
    assert features.shape[1] == NETWORKS[name].width
    assert features.numel() > 0


def test_head_weights_reproduce_the_logit_of_the_mean_feature():
    model = build("efficientnet_b0", 3, seed=1).eval()
    head = model.head_weights()
    assert head["hidden_weight"].shape == (256, NETWORKS["efficientnet_b0"].width)
    assert head["last_weight"].shape == (1, 256)
    with torch.inference_mode():
        output = model(torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(2)))
    pooled = output.features.mean(dim=(2, 3)).numpy()
    hidden = np.maximum(pooled @ head["hidden_weight"].T + head["hidden_bias"], 0)
    logit = (hidden @ head["last_weight"].T + head["last_bias"])[:, 0]
    assert_allclose(logit, output.logit.numpy(), atol=1e-6)


def test_seed_gives_the_weights_and_spares_the_generator_of_torch():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (build("compact", 1, seed=seed) for seed in (0, 0, 1))
    assert_array_equal(torch.get_rng_state(), before)
    assert torch.equal(first.head.last.weight, again.head.last.weight)
    assert not torch.equal(first.head.last.weight, other.head.last.weight)


def test_pool_is_the_mean_over_cells():
    features = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert_allclose(pool(features), [[5.5, 17.5]])


def test_unknown_network_is_refused():
    with pytest.raises(ValueError, match=r"network 'lenet' is not known: choose one of alexnet"):
        build("lenet", 1)
    with pytest.raises(ValueError, match="channels 0 is below 1"):
        build("compact", 0)


def test_checkpoint_returns_model_and_card(compact, images, tmp_path):
    checkpoint.save(tmp_path / "m.safetensors", compact, CARD)
    model, card = checkpoint.load(tmp_path / "m.safetensors")
    assert card == CARD
    assert (model.name, model.channels, model.training) == (compact.name, 3, False)
    with torch.inference_mode():
        for ours, theirs in zip(model(images), compact(images), strict=True):
            assert torch.equal(ours, theirs)


def test_channels_last_weights_are_kept(tmp_path, images):
    model = build("compact", 3).eval().to(memory_format=torch.channels_last)
    checkpoint.save(tmp_path / "m.safetensors", model, {})
    again, _ = checkpoint.load(tmp_path / "m.safetensors")
    with torch.inference_mode():
        assert_allclose(again(images).logit, model(images).logit, atol=1e-5)


def test_bad_weights_are_refused(compact, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        checkpoint.load(path)
    with pytest.raises(FileNotFoundError, match=r"No such file.*none"):
        checkpoint.load(tmp_path / "none.safetensors")
    checkpoint.save(path, compact, {})
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        checkpoint.load(path)


def test_foreign_weights_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    from_elsewhere = {"weight": torch.zeros(2)}
    save_file(from_elsewhere, path)
    with pytest.raises(ValueError, match="lack the metadata card, channels, network"):
        checkpoint.load(path)
    metadata = {"network": "compact", "channels": "3", "card": "{}"}
    save_file(from_elsewhere, path, metadata=metadata)
    with pytest.raises(ValueError, match="do not fit network 'compact' with 3 channels"):
        checkpoint.load(path)


def test_failed_save_leaves_nothing(compact, tmp_path):
    with pytest.raises(TypeError, match="not JSON serializable"):
        checkpoint.save(tmp_path / "m.safetensors", compact, {"seed": object()})
    assert list(tmp_path.iterdir()) == []


def test_onnx_equals_torch_for_any_number_of_images(compact, images, tmp_path):
    path = tmp_path / "m.onnx"
    export_onnx(path, compact, CARD)
    for count in (1, 3):
        _, outputs = run(path, images[:count])
        with torch.inference_mode():
            expected = compact(images[:count])
        for ours, theirs in zip(outputs, expected, strict=True):
            assert ours.shape == tuple(theirs.shape)
            assert_allclose(ours, theirs, atol=1e-5)
    assert list(tmp_path.iterdir()) == [path]  # weights inline, no second file


def test_onnx_carries_card_and_head(compact, images, tmp_path):
    path = tmp_path / "m.onnx"
    export_onnx(path, compact, CARD)
    session, _ = run(path, images)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["card"]) == CARD
    assert (metadata["network"], metadata["channels"], metadata["size"]) == (
        compact.name,
        "3",
        "64",
    )
    texts = json.loads(metadata["head"])
    head = {
        name: np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)
        for name, text in texts.items()
    }
    for name, weights in compact.head_weights().items():
        assert_array_equal(head[name], weights)


def test_export_is_of_inference_and_changes_nothing(images, tmp_path):
    model = build("compact", 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export_onnx(tmp_path / "m.onnx", model, {})
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    _, outputs = run(tmp_path / "m.onnx", images)
    with torch.inference_mode():
        assert_allclose(outputs[0], model.eval()(images).logit, atol=1e-5)
