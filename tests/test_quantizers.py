"""What Cornu refuses of Keras: it can be imported, and calling it says what to use instead."""

import importlib
import subprocess
import sys
import textwrap

import keras
import pytest

import cornu
from cornu import namespaces
from cornu.errors import InvalidArgumentError, MissingNameError

NAMES = [(module, name) for module, names in namespaces.REFUSED.items() if module != "cornu.core.layer" for name in names]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_calling_a_refused_name_says_what_to_use_instead(module, name):
    refused = getattr(importlib.import_module(module), name)
    instead = "`model.export" if name == "ExportArchive" else r"mixed_precision.set_dtype_policy\(.mixed_bfloat16.\)"
    with pytest.raises(MissingNameError, match=rf"^`{name}` was called. Cornu .* Call `model|To save memory.*{instead}"):
        refused("int8", scale=3)
    assert refused is getattr(importlib.import_module(module), name)
    assert not isinstance(3, refused)


def test_all_names_of_keras_are_refused():
    public = {name for name in dir(keras.quantizers) if not name.startswith("_")}
    assert set(namespaces.REFUSED["cornu.quantizers"]) == public
    policies = {name for name in dir(keras.dtype_policies) if not name.startswith("_")}
    assert set(namespaces.REFUSED["cornu.dtype_policies"]) == policies - set(cornu.dtype_policies.__all__)


def test_refused_names_are_not_listed():
    assert cornu.quantizers.__all__ == []
    assert "Quantizer" not in dir(cornu)
    assert "ExportArchive" not in cornu.export.__all__


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'cornu.quantizers' has no attribute 'dequantize'"):
        _ = cornu.quantizers.dequantize


def test_models_and_layers_refuse_to_be_quantized():
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
    for each in (model, model.layers[0]):
        with pytest.raises(MissingNameError, match=r"`Layer.quantize` was called. Cornu has no quantized layers. .*model.onnx"):
            each.quantize("int8")
    with pytest.raises(MissingNameError, match="no quantized layers"):
        model.quantize("gptq", config=None, filters="dense")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras
@pytest.mark.parametrize("mode", ["int8", "float8", "int4"])
def test_files_of_quantized_models_say_so(mode, tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="last")])
    model.layers[0].quantize(mode)
    model.save(tmp_path / "model.keras")
    with pytest.raises(InvalidArgumentError, match=r"config of 'last' .*has no quantized layers. Use the model"):
        cornu.models.load_model(tmp_path / "model.keras")


def test_programs_may_import_what_they_do_not_call():
    text = """
    from cornu.legacy import import_hook
    import_hook.install()
    from keras import Quantizer
    from keras.export import ExportArchive
    from keras.quantizers import AbsMaxQuantizer
    AbsMaxQuantizer(axis=0)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True)
    assert "`AbsMaxQuantizer` was called. Cornu has no quantized layers." in done.stderr.splitlines()[-1]
