"""What ops declare about the samples of a batch, compared with what they compute for a batch and for each sample alone."""

import inspect
import itertools

import numpy as np
import pytest

import cornu
from cornu import config, ops, trees
from cornu.ops import batch_coupling

BATCH = 3


def public_ops():
    spaces = {"": ops, "image.": ops.image, "linalg.": ops.linalg, "nn.": ops.nn, "random.": ops.random}
    found = {}
    for prefix, space in spaces.items():
        for name, function in vars(space).items():
            if not name.startswith("_") and hasattr(function, "batch_coupling") and function not in found.values():
                found[prefix + name] = function
    return found


OPS = public_ops()
DECLARED = [name for name, function in OPS.items() if function.batch_coupling != "unknown"]

MAKE_ARRAYS = "arange convert_to_numpy empty eye full geomspace identity linspace logspace ones tri zeros"
MAKE_ARRAYS += " bartlett blackman hamming hanning kaiser"
MIX = "allclose bincount broadcast_to cross diag flipud kron meshgrid outer ravel scatter scatter_update segment_sum"
MIX += " segment_max segment_min segment_prod slice slice_update vander vdot vsplit vstack"
MIX += " image.affine_transform image.map_coordinates image.perspective_transform"
MIX += " lstsq cdist corrcoef correlate diagflat histogram nonzero psnr unique ctc_decode image.scale_and_translate image.ssim"
RUN_FUNCTIONS = "cond fori_loop map scan switch while_loop associative_scan jvp vectorized_map"
DRAW = "random.bernoulli random.categorical random.dropout random.normal random.randint random.shuffle random.truncated_normal"
DRAW += " random.uniform random.beta random.binomial random.gamma image.elastic_transform"
UNDECLARED = {*MAKE_ARRAYS.split(), *MIX.split(), *RUN_FUNCTIONS.split(), *DRAW.split()}
"""Ops that promise nothing: who adds an op declares how samples meet in it, or enters it here."""


def test_every_op_declares_how_samples_meet_or_is_known_to_promise_nothing():
    assert set(OPS) - set(DECLARED) == UNDECLARED


class Batch:
    """An argument whose first axis is that of the samples."""

    def __init__(self, array):
        self.array = array

    def __repr__(self):
        return f"batch{self.array.shape}"


def of(values, convert):
    """Arguments with what `convert` makes of a batch in place of each."""
    if isinstance(values, (list, tuple)):
        return type(values)(of(value, convert) for value in values)
    return convert(values) if isinstance(values, Batch) else values


def call_with(arguments):
    """The arguments by place and by name: those of ``einsum`` have no names."""
    rest = {name: value for name, value in arguments.items() if name not in ("subscripts", "operands")}
    return ((arguments["subscripts"], *arguments["operands"]) if "operands" in arguments else ()), rest


def coupling(function, arguments):
    symbolic = {
        name: of(value, lambda b: cornu.Input(b.array.shape[1:], dtype=b.array.dtype.name)) for name, value in arguments.items()
    }
    return batch_coupling.of_call(function, *call_with(symbolic))


def results(function, arguments, part):
    given = {name: of(value, lambda b: b.array[part]) for name, value in arguments.items()}
    args, kwargs = call_with(given)
    with config.placement_scope("numpy"):  # where thousands of small calls take the least time
        return [np.asarray(leaf) for leaf in trees.leaves(function(*args, **kwargs))]


def is_alone(function, arguments):
    """Whether the result for the batch is that for its samples one by one."""
    together = results(function, arguments, slice(None))
    alone = [results(function, arguments, slice(i, i + 1)) for i in range(BATCH)]
    for index, whole in enumerate(together):
        parts = [part[index] for part in alone]
        if whole.ndim == 0 or whole.shape[0] != BATCH or any(p.shape != (1, *whole.shape[1:]) for p in parts):
            return False
        joined = np.concatenate(parts).astype("float64")
        if not np.allclose(whole.astype("float64"), joined, rtol=1e-5, atol=1e-6, equal_nan=True):
            return False
    return True


# --- Every declared op, with all arguments of a pool --------------------------------------------------------------------------


def arrays_of(seed=5):
    rng = np.random.default_rng(seed)

    def floats(*shape):
        return rng.normal(size=shape).astype("float32")

    def integers(*shape):
        return rng.integers(0, 4, shape).astype("int32")

    return floats, integers


FLOATS, INTEGERS = arrays_of()
BATCHES = [Batch(FLOATS(BATCH, *shape)) for shape in ((), (4,), (4, 4), (4, 4, 4))]
CONSTANTS = [FLOATS(*shape) for shape in ((), (4,), (4, 4), (1, 4), (BATCH, 4), (2, 4, 4), (1, 4, 4))]
THIN = [Batch(FLOATS(BATCH, *shape)) for shape in ((1,), (1, 4), (4, 1))]
CLASSES = [Batch(INTEGERS(BATCH, *shape)) for shape in ((), (4,), (4, 4))]
LISTS = [[a, b] for a in BATCHES[:3] for b in BATCHES[:3]] + [[BATCHES[1], CONSTANTS[2]], [BATCHES[1], CONSTANTS[3]]]
PAIRS = [(a, b) for a in BATCHES for b in (*BATCHES, *CONSTANTS)]
PRODUCTS = np.float32([x @ x.T for x in FLOATS(BATCH, 4, 6)])
KEYS = [slice(None), (slice(None), 0), (..., 0), (..., [0, 1]), (0,), None, (slice(None), [0, 1], 0), (slice(None), None)]
KEYS += [(slice(None), [0, 1], slice(None), [0, 1]), (slice(None), [True, False, True, True]), [0, 1, 2], slice(0, 2), ...]
KEYS += [(slice(None), slice(1, 3)), (..., slice(None), None, 1), (None, slice(None)), (slice(None), Batch(INTEGERS(BATCH)))]

POOL = {
    **{name: [*BATCHES, *CONSTANTS] for name in ("x", "x1", "x2", "a", "array", "inputs", "variable", "condition")},
    **{name: BATCHES for name in ("images", "target", "output", "predictions", "values")},
    **{name: [Batch(FLOATS(BATCH, 4, 2, 5)), FLOATS(BATCH, 4, 2, 5), FLOATS(1, 4, 2, 5)] for name in ("query", "key", "value")},
    **{name: [0, 1, 2, -1, -2, None, (1, 2), (0, 1), (-1,)] for name in ("axis", "axes", "source", "destination")},
    **{name: [0, 1, 2, -1] for name in ("axis1", "axis2", "axisa", "axisb", "axisc")},
    "indices": [Batch(INTEGERS(BATCH)), Batch(INTEGERS(BATCH, 4)), INTEGERS(2), INTEGERS(BATCH, 4), 1],
    "xs": LISTS,
    "dtype": [None, "float32"],
    "repeats": [1, 2, (1, 2), (2, 1), (1, 1, 2)],
    "indices_or_sections": [2, [1]],
    "shift": [1],
    "q": [0.3, [0.2, 0.5]],
    "k": [1, 2],
    "num_classes": [4],
    "output_size": [2],
    "kth": [0],
    "y": BATCHES,
    "fill_value": [2.0, *BATCHES[:2]],
    "x_min": [-0.2, None, CONSTANTS[4]],
    "x_max": [0.2, CONSTANTS[1], BATCHES[1]],
    "pool_size": [2],
    "block_size": [2],
    "size": [(3, 5)],
}
"""What the parameters of any op may be given."""

OWN = {
    "get_item": {"key": KEYS},
    "reshape": {"newshape": [(-1, 16), (-1, 4), (-1,), (16, -1), (-1, 2, 8), (BATCH, 4), -1, (-1, 4, 2, 2)]},
    "pad": {"pad_width": [1, ((0, 0), (1, 2)), ((1, 0), (0, 0)), (0, 0), ((0, 0), (1, 1), (0, 2))]},
    "transpose": {"axes": [None, (0, 1), (1, 0), (0, 2, 1), (-3, 2, 1), (1, 0, 2)]},
    "rot90": {"axes": [(0, 1), (1, 2), (2, 1), (-1, -2)]},
    "squeeze": {"x": THIN},
    "stack": {"x": LISTS},
    "where": {"x1": [*BATCHES, *CONSTANTS], "x2": [*BATCHES, *CONSTANTS]},
    "select": {
        "condlist": [[Batch(FLOATS(BATCH, 4) > 0)], [Batch(FLOATS(BATCH) > 0)]],
        "choicelist": [[BATCHES[0]], [BATCHES[1]], [BATCHES[2]], [1.0], [CONSTANTS[4]]],
    },
    "threshold": {"threshold": [0.1], "default_value": [0.5]},
    "tensordot": {"axes": [0, 1, 2, ([1], [0]), ([0], [0]), ([2], [0]), ([1, 2], [0, 1]), ([-1], [1])]},
    "einsum": {
        "subscripts": [
            "bi,ij->bj",
            "bi,bj->bij",
            "bi,bj->ij",
            "bi,ij->jb",
            "bij,jk->bik",
            "...i,ij->...j",
            "bi,bi",
            "ib,bj->ij",
        ],
        "operands": [[a, b] for a in BATCHES[1:3] for b in [*BATCHES[1:3], CONSTANTS[2], CONSTANTS[4]]],
    },
    "searchsorted": {"sorted_sequence": [np.float32([-1, 0, 1]), BATCHES[0]]},
    "digitize": {"bins": [np.float32([-1, 0, 1])]},
    "average": {"weights": [None, CONSTANTS[1], abs(CONSTANTS[2]), BATCHES[0], BATCHES[1]]},
    "batch_normalization": {"mean": [CONSTANTS[1], BATCHES[0]], "variance": [abs(CONSTANTS[1])]},
    "layer_normalization": {"gamma": [None, CONSTANTS[1]]},
    "one_hot": {"x": CLASSES},
    "multi_hot": {"inputs": CLASSES, "num_classes": [4]},
    "sparse_categorical_crossentropy": {"target": [*CLASSES, INTEGERS(BATCH)]},
    "in_top_k": {"targets": [*CLASSES, INTEGERS(BATCH)]},
    "conv": {"kernel": [FLOATS(2, 4, 3), FLOATS(2, 2, 4, 3), BATCHES[2]]},
    "conv_transpose": {"kernel": [FLOATS(2, 3, 4), FLOATS(2, 2, 3, 4)]},
    "depthwise_conv": {"kernel": [FLOATS(2, 4, 1), FLOATS(2, 2, 4, 1)]},
    "separable_conv": {
        "depthwise_kernel": [FLOATS(2, 4, 1), FLOATS(2, 2, 4, 1)],
        "pointwise_kernel": [FLOATS(1, 4, 3), FLOATS(1, 1, 4, 3)],
    },
    **{name: {"x1": CLASSES, "x2": [*CLASSES, INTEGERS(4), 2]} for name in ("gcd", "lcm")},
    **{
        name: {"x": CLASSES, "y": [*CLASSES, INTEGERS(4), 2]}
        for name in (
            *("bitwise_and", "bitwise_or", "bitwise_xor"),
            *("bitwise_left_shift", "bitwise_right_shift", "left_shift", "right_shift"),
        )
    },
    **{name: {"x": CLASSES} for name in ("bitwise_invert", "bitwise_not")},
    **{name: {"x": PAIRS} for name in ("fft", "fft2", "ifft2", "irfft")},
    "cholesky": {"x": [Batch(PRODUCTS), PRODUCTS]},
    "stft": {"sequence_length": [2], "sequence_stride": [2], "fft_length": [2]},
    "istft": {"x": PAIRS, "sequence_length": [2], "sequence_stride": [1], "fft_length": [2]},
    "solve": {"b": BATCHES},
    "solve_triangular": {"b": BATCHES},
    "view_as_complex": {"x": [Batch(FLOATS(BATCH, 2)), Batch(FLOATS(BATCH, 4, 2)), FLOATS(BATCH, 2), Batch(FLOATS(2))]},
    "polar": {"abs_": [*BATCHES, *CONSTANTS], "angle": [*BATCHES, *CONSTANTS]},
    "view": {"dtype": ["uint8", None, "int32"]},
    "ldexp": {"x2": [*CLASSES, INTEGERS(4), 2]},
    "image.extract_patches": {"size": [2]},
    "image.extract_patches_3d": {"volumes": [Batch(FLOATS(BATCH, 2, 3, 4, 2))], "size": [2]},
    "extract_sequences": {"sequence_length": [2], "sequence_stride": [1]},
    "unfold": {"kernel_size": [2]},
    "fold": {"x": [Batch(FLOATS(BATCH, 8, 9)), FLOATS(BATCH, 8, 9)], "output_size": [(4, 4)], "kernel_size": [2]},
    "unravel_index": {"indices": CLASSES, "shape": [(2, 3)]},
    **{name: {"images": [Batch(FLOATS(BATCH, 4, 4, 3))]} for name in ("image.hsv_to_rgb", "image.rgb_to_hsv")},
    "image.crop_images": {"top_cropping": [1], "left_cropping": [1], "target_height": [2], "target_width": [2]},
    "image.pad_images": {"top_padding": [1], "left_padding": [1], "target_height": [7], "target_width": [7]},
    "image.rgb_to_grayscale": {"images": [Batch(FLOATS(BATCH, 4, 3)), Batch(FLOATS(BATCH, 4, 4, 3))]},
    "rearrange": {"tensor": BATCHES[2:], "pattern": ["b h w -> b w h", "b h w c -> b (w c) h", "b h w -> (b h) w"]},
    "ctc_loss": {
        "target": [CLASSES[1]],
        "output": [Batch(FLOATS(BATCH, 9, 4))],
        "target_length": [CLASSES[0]],
        "output_length": [CLASSES[0]],
    },
    "dot_product_attention": {"mask": [None, FLOATS(1, 1, 4, 4) > 0, Batch(FLOATS(BATCH, 1, 4, 4) > 0)]},
}
"""Arguments for single ops: in place of the pool, or in addition to its required parameters."""

AXES = ("axis", "axes", "axis1", "axis2", "axisa", "axisb", "axisc")


def calls_of(name, function):
    """All arguments that the pool has for the required parameters of an op, and for those that name axes."""
    options = {}
    for parameter in inspect.signature(function).parameters.values():
        required = parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        if parameter.name in OWN.get(name, {}) or required or parameter.name in AXES:
            options[parameter.name] = OWN.get(name, {}).get(parameter.name) or POOL[parameter.name]
    for values in itertools.product(*options.values()):
        yield dict(zip(options, values, strict=True))


def outcome(function, arguments):
    """Whether the result for the batch is that for its samples; None for a call that fails."""
    try:
        results(function, arguments, slice(None))
    except Exception:
        return None
    try:
        return is_alone(function, arguments)
    except Exception:
        return False


@pytest.mark.filterwarnings("ignore")  # of NumPy, about values outside an op's domain
@pytest.mark.parametrize("name", DECLARED)
def test_what_an_op_declares_is_what_it_does(name):
    function, checked = OPS[name], 0
    for arguments in calls_of(name, function):
        found = outcome(function, arguments)
        if found is not None and coupling(function, arguments) == "none":
            assert found, f"{name}({arguments}) is declared to treat samples alone"
            checked += 1
    assert checked, f"no call of {name} in the pool treats samples alone: add arguments to it"
